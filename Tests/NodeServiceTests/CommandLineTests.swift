import Glibc
import LinuxSystem
import StorageModel
import TestSupport
import Testing

@testable import NodeService

/// The built daemon, which `swift build --build-tests` puts beside the tests.
private enum BuiltNode {
  static let path: String? = {
    guard let own = Files.linkTarget("/proc/self/exe"), let slash = own.lastIndex(of: "/") else { return nil }
    let path = own[..<slash] + "/elastic-local-node"
    return Files.exists(String(path)) ? String(path) : nil
  }()

  static let isMissing: Comment = "skipped: elastic-local-node is not built beside the tests"

  static func run(
    _ arguments: [String], environment: [String] = [], deadline: Duration = .seconds(20)
  ) async throws -> ChildResult {
    let path = try #require(path)
    return try await WorkerPool(name: "child", limit: 1).run { () throws(SystemError) in
      try ChildProcess.run(
        path, arguments, environment: ChildProcess.minimalEnvironment + environment, deadline: deadline)
    }
  }
}

@Suite(
  "The command line of the daemon", .enabled(if: BuiltNode.path != nil, BuiltNode.isMissing), .timeLimit(.minutes(2)))
struct CommandLineTests {
  static let wrong: [(flag: String, value: String, remark: String)] = [
    ("engine", "zfs", "no such engine"), ("engine", "", "no engine"), ("socket", "relative", "a relative path"),
    ("socket", "/a/../b", "a way up"), ("socket", "/a//b", "two slashes"),
    ("socket", "/a/../\u{301}b", "a way up before an accent"), ("socket", "/", "the root"),
    ("kubelet-root", "/var//lib/kubelet", "two slashes"), ("state-dir", "/a/./b", "a dot"),
    ("thin-overprovision", "0", "promises nothing"), ("thin-overprovision", "x", "no number"),
    ("thin-overprovision", "nan", "no number either"), ("thin-overprovision", "inf", "endless"),
    ("log-format", "xml", "no such format"), ("reclaim-grace", "-1", "negative"), ("reclaim-grace", "60s", "a unit"),
    ("udev", "maybe", "neither"), ("node-name", "a b", "a blank"),
  ]

  @Test("a wrong value ends with code 2, naming flag, variable and value, given either way:", arguments: wrong)
  func wrongValue(_ row: (flag: String, value: String, remark: String)) async throws {
    let variable = "ELASTIC_LOCAL_" + row.flag.uppercased().split(separator: "-").joined(separator: "_")
    var results = [try await BuiltNode.run(["serve", "--engine", "simulated", "--\(row.flag)=\(row.value)"])]
    if !row.value.isEmpty {
      results.append(try await BuiltNode.run(["serve"], environment: ["\(variable)=\(row.value)"]))
    }
    for result in results {
      #expect(result.status == .exited(2), "\(row.remark): \(result.output)")
      #expect(result.output.contains("--\(row.flag)"), "\(row.remark): \(result.output)")
      #expect(result.output.contains(variable), "\(row.remark): \(result.output)")
      #expect(result.output.contains(quoted(row.value)), "\(row.remark): \(result.output)")
      #expect(result.output.split(separator: "\n").count == 1, "\(row.remark): \(result.output)")
    }
  }

  @Test(
    "a name that is none ends with code 2, showing it",
    arguments: [
      ("volume-group", "vg,"), ("volume-group", "-y"), ("volume-group", "a/b"), ("thin-pool", "--config"),
      ("thin-pool", "a b"),
    ])
  func wrongName(_ flag: String, _ value: String) async throws {
    let result = try await BuiltNode.run(["serve", "--engine", "simulated", "--\(flag)=\(value)"])
    #expect(result.status == .exited(2), "\(result.output)")
    #expect(result.output.contains("--\(flag)"), "the refusal names the flag: \(result.output)")
  }

  @Test(
    "words that are no command or flag end with code 2",
    arguments: [
      ["frobnicate"], ["serve", "word"], ["serve", "--unknown", "x"], ["serve", "--engine"], ["status", "--unknown=1"],
      ["status", "--json=1"], ["remove"], ["remove", "--socket", "/x"], ["retain", "v", "--claim", "x"],
    ])
  func wrongWords(_ words: [String]) async throws {
    let result = try await BuiltNode.run(words)
    #expect(result.status == .exited(2), "\(result.output)")
    #expect(result.output.hasPrefix("elastic-local-node: "), "\(result.output)")
    #expect(result.output.split(separator: "\n").count == 1, "\(result.output)")
  }

  @Test(
    "a flag that a command does not have is named as such, with or without a value, beside those that it has",
    arguments: [
      (["serve", "--unknown"], "--kubelet-root"), (["serve", "--unknown", "x"], "--kubelet-root"),
      (["serve", "--unknown=x"], "--kubelet-root"), (["status", "--unknown"], "--json"),
      (["remove", "v", "--unknown"], "--claim"), (["retain", "v", "--unknown=1"], "--socket"),
    ])
  func unknownFlag(_ words: [String], _ offered: String) async throws {
    let result = try await BuiltNode.run(words)
    #expect(result.status == .exited(2), "\(result.output)")
    #expect(result.output.contains("elastic-local-node \(words[0]) has no flag \"--unknown\""), "\(result.output)")
    #expect(result.output.contains(offered), "\(result.output)")
  }

  @Test("kubelet's root that is not there, or no directory, is one sentence")
  func missingRoot() async throws {
    let directory = try TemporaryDirectory()
    try directory.write("", to: "file")
    for (name, found) in [("nowhere", "does not exist"), ("file", "is not a directory")] {
      let result = try await BuiltNode.run([
        "serve", "--engine", "directory", "--kubelet-root", directory[name] + "//", "--state-dir", directory["state"],
        "--socket", directory["socket"],
      ])
      #expect(result.status == .exited(1), "\(result.output)")
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 2 && lines.first?.contains("notice configuration") == true, "\(result.output)")
      #expect(lines.last?.contains("kubelet's root directory \(directory[name]) \(found)") == true, "\(result.output)")
      #expect(lines.last?.contains("--kubelet-root") == true, "\(result.output)")
      #expect(!Files.exists(directory["socket"]))
    }
  }

  @Test("a fault that does not exist is refused, naming those that do")
  func wrongFault() async throws {
    let result = try await BuiltNode.run(
      ["serve", "--engine", "simulated"], environment: ["ELASTIC_LOCAL_FAULT=x:kill"])
    #expect(result.status == .exited(2))
    #expect(result.output.contains("permit-written"))
  }

  @Test("help names every flag and variable, those of the Go program too; version and step points are printed")
  func help() async throws {
    let help = try await BuiltNode.run(["help"])
    #expect(help.isSuccess)
    for word in [
      "--engine", "--volume-group", "--thin-pool", "--socket", "--state-dir", "--reclaim-grace", "NODE_NAME",
      "DRIVER_KIND", "LVM_VOLUME_GROUP", "ELASTIC_LOCAL_METRICS_ADDRESS",
    ] {
      #expect(help.output.contains(word), "\(word)")
    }
    #expect(try await BuiltNode.run(["version"]).output == "elastic-local-node \(ProductNames.release)\n")
    let points = try await BuiltNode.run(["step-points"]).output.split(separator: "\n").map(String.init)
    #expect(points == StepPoint.allCases.map(\.rawValue))
  }

  @Test("without a daemon status fails with code 1, naming the socket of the flag or the variable")
  func status() async throws {
    let flag = try await BuiltNode.run(["status", "--socket", "/nonexistent/flag"])
    #expect(flag.status == .exited(1) && flag.output.contains("/nonexistent/flag"))
    let variable = try await BuiltNode.run(["status"], environment: ["ELASTIC_LOCAL_SOCKET=/nonexistent/variable"])
    #expect(variable.status == .exited(1) && variable.output.contains("/nonexistent/variable"))
  }

  /// Starts a daemon, waits for it to serve, does what is asked, and ends it by SIGTERM.
  private func serving(
    _ directory: TemporaryDirectory, _ arguments: [String] = [], environment: [String] = [],
    _ body: () async throws -> Void
  ) async throws -> ChildResult {
    let path = try #require(BuiltNode.path)
    let socket = directory["socket"]
    let output = Task.detached {
      try await WorkerPool(name: "daemon", limit: 1).run { () throws(SystemError) in
        try ChildProcess.run(
          // The shell notes the number under which the daemon runs from then on.
          "/bin/sh", ["-c", "echo $$ > \(directory["pid"]); exec \"$0\" \"$@\"", path, "serve"] + arguments,
          environment: ChildProcess.minimalEnvironment + environment + [
            "ELASTIC_LOCAL_SOCKET=\(socket)", "ELASTIC_LOCAL_STATE_DIR=\(directory["state"])",
          ], deadline: .seconds(60))
      }
    }
    let limit = MonotonicClock.now() + .seconds(20)
    while !Files.exists(socket), MonotonicClock.now() < limit { try await Task.sleep(for: .milliseconds(5)) }
    do { try await body() } catch { Issue.record(error) }
    let number = try #require(pid_t(Files.readText(directory["pid"]).split(separator: "\n").first ?? ""))
    #expect(kill(number, SIGTERM) == 0)
    return try await output.value
  }

  @Test("the Go program's variables are understood, our own come first, and flags before both")
  func variables() async throws {
    let former = [
      "NODE_NAME=old-node", "DRIVER_KIND=BINDMOUNT", "LVM_VOLUME_GROUP=old-vg", "LVM_USE_THIN_VOLUMES=true",
      "LVM_THIN_POOL=old-pool",
    ]
    // What is in force is printed before anything is looked at; this one is refused then.
    let directory = try TemporaryDirectory()
    let old = try await BuiltNode.run(
      ["serve", "--kubelet-root", directory["nowhere"], "--state-dir", directory["state"]], environment: former)
    #expect(old.status == .exited(1), "\(old.output)")
    for word in ["engine=directory", "volumeGroups=old-vg", "thinPool=old-pool", "node=old-node"] {
      #expect(old.output.contains(word), "\(word) in \(old.output)")
    }
    let mixed = try await serving(
      try TemporaryDirectory(), ["--node-name", "flag-node", "--engine=simulated"],
      environment: former + ["ELASTIC_LOCAL_NODE_NAME=own-node", "ELASTIC_LOCAL_VOLUME_GROUP=own-vg,second"]
    ) {}
    for word in ["engine=simulated", "volumeGroups=own-vg,second", "node=flag-node"] {
      #expect(mixed.output.contains(word), "\(word) in \(mixed.output)")
    }
    let unused = try await serving(
      try TemporaryDirectory(), environment: ["ELASTIC_LOCAL_ENGINE=simulated", "LVM_THIN_POOL=old-pool"]
    ) {}
    #expect(!unused.output.contains("old-pool"), "a pool's name alone did not switch the Go program to thin volumes")
  }

  @Test("a daemon serves status and calls, and ends with code 0 at SIGTERM; a second one is refused, naming the first")
  func serves() async throws {
    let directory = try TemporaryDirectory()
    let result = try await serving(directory, ["--engine", "simulated", "--log-format", "json"]) {
      let environment = ["ELASTIC_LOCAL_SOCKET=\(directory["socket"])"]
      let status = try await BuiltNode.run(["status"], environment: environment)
      #expect(status.isSuccess && status.output.contains("no volumes"), "\(status.output)")
      let json = try await BuiltNode.run(["status", "--json"], environment: environment)
      #expect(json.isSuccess && json.output.contains(#""engine": "simulated""#), "\(json.output)")
      let removed = try await BuiltNode.run(["remove", "pvc-1"], environment: environment)
      #expect(removed.isSuccess && removed.output.contains("nothing to do"), "\(removed.output)")
      let retained = try await BuiltNode.run(["retain", "pvc-1"], environment: environment)
      #expect(retained.status == .exited(1) && retained.output.contains("does not exist"), "\(retained.output)")

      let second = try await BuiltNode.run([
        "serve", "--engine", "simulated", "--state-dir", directory["state"], "--socket", directory["other"],
      ])
      let first = try Files.readText(directory["pid"]).split(separator: "\n").first ?? ""
      #expect(second.status == .exited(1), "\(second.output)")
      #expect(second.output.contains("process \(first)"), "\(second.output)")
      #expect(!Files.exists(directory["other"]), "the second one never listened")
      #expect(!Files.exists(directory["socket.restarting"]), "it serves")
      try Files.removeDurably(directory["socket"])
      let limit = MonotonicClock.now() + .seconds(20)
      while !Files.exists(directory["socket"]), MonotonicClock.now() < limit {
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(try await BuiltNode.run(["status"], environment: environment).isSuccess, "its socket was made again")
    }
    #expect(Files.exists(directory["socket.restarting"]), "another may come")
    #expect(result.output.contains("socket was removed and has been created again"))
    try Files.removeDurably(directory["socket"])
    _ = try await serving(directory, ["--engine", "simulated"]) {
      let limit = MonotonicClock.now() + .seconds(20)
      while Files.exists(directory["socket.restarting"]), MonotonicClock.now() < limit {
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(!Files.exists(directory["socket.restarting"]), "the next one serves")
    }
    #expect(result.isSuccess, "\(result.status) \(result.output)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") }, "\(result.output)")
    #expect(lines.contains { $0.contains(#""message":"serving""#) })
    #expect(lines.last?.contains(#""message":"stopped""#) == true)
  }
}

import CommandLineTool
import JSON
import NodeProtocol
import StorageModel

/// `status`: calls the running daemon and prints its status.
enum StatusCommand {
  static func run(_ words: [String], environment: [String: String]) throws(VolumeError) -> Int32 {
    var socket = environment["ELASTIC_LOCAL_SOCKET"] ?? ProductNames.defaultSocket
    let isJSON = words.contains("--json")
    // `--json` has no value. It is known here only for error messages.
    let others = words.filter { $0 != "--json" }
    for (name, value) in try Flags.parse(others, known: ["socket", "json"], of: "elastic-local-node status") {
      guard name == "socket" else { throw VolumeError(.invalid, "flag --json takes no value") }
      socket = value
    }
    let reply = try NodeClient.call(Request(["status"]), socket: socket)
    guard reply.isSuccess, let report = reply.report else {
      Console.error("elastic-local-node: \(reply.message ?? reply.status)")
      return 1
    }
    Console.print(isJSON ? report.json.indented : StatusText(report).text)
    return 0
  }
}

/// The status as text.
struct StatusText {
  private let report: DaemonStatus

  init(_ report: DaemonStatus) { self.report = report }

  var text: String {
    (head + groups + volumes + rest + commands).joined(separator: "\n")
  }

  private var head: [String] {
    [
      "node \(report.node), elastic-local \(report.release), engine \(report.engine), "
        + "up \(report.uptimeSeconds) s, resident \(ByteCount(report.residentBytes))"
    ]
  }

  private var groups: [String] {
    report.groups.flatMap { group in
      var lines = [
        "",
        "group \(group.name): \(ByteCount(group.freeBytes)) free of \(ByteCount(group.totalBytes)), "
          + "\(group.volumes) volumes of ours, \(ByteCount(group.foreignBytes)) foreign",
      ]
      if let trouble = group.trouble { lines.append("  NOT USABLE: \(trouble)") }
      if let pool = group.thinPool {
        let data = group.thinDataPercent.map { "\($0) % data" } ?? "data unknown"
        let metadata = group.thinMetadataPercent.map { "\($0) % metadata" } ?? "metadata unknown"
        lines.append(
          "  thin pool \(pool): \(data), \(metadata), promised \(ByteCount(group.thinVirtualBytes ?? 0)) "
            + "of at most \(ByteCount(group.thinCeilingBytes ?? 0))")
        if let complaint = group.thinComplaint { lines.append("  NOT WELL: thin pool \(pool): \(complaint)") }
      }
      if let free = group.metadataFreeBytes, let total = group.metadataTotalBytes {
        lines.append("  metadata area: \(ByteCount(free)) free of \(ByteCount(total))")
      }
      return lines
    }
  }

  private var volumes: [String] {
    if report.volumes.isEmpty { return ["", "no volumes"] }
    return [""] + report.volumes.flatMap(lines(of:))
  }

  private func lines(of volume: DaemonStatus.Volume) -> [String] {
    let device = volume.device ?? "inactive"
    let mark = volume.isRetained ? "  retained" : ""
    var lines = ["volume \(volume.name)  \(ByteCount(volume.sizeBytes))  \(device)\(mark)"]
    if let complaint = volume.complaint { lines.append("  NOT WELL: \(complaint)") }
    if let keptFor = volume.keptFor { lines.append("  kept for \(keptFor)") }
    return lines + volume.publishedAt.map { "  at \($0)" }
  }

  private var rest: [String] {
    var lines: [String] = []
    if !report.interrupted.isEmpty {
      lines.append("being created, or interrupted: \(report.interrupted.joined(separator: ", "))")
    }
    for work in report.work ?? [] {
      let progress = work.progress.map { ": \($0)" } ?? ""
      lines.append(
        "volume \(work.volume) is \(work.phase) since \(work.startedAt) (\(Int(work.seconds)) s)\(progress)")
    }
    if let orphans = report.orphans {
      lines.append("orphans: \(orphans.isEmpty ? "none" : orphans.joined(separator: ", "))")
    } else {
      lines.append("orphans: not known without an API server")
    }
    if let running = report.runningSeconds { lines.append("a command has been running for \(running) s") }
    return [""] + lines
  }

  private var commands: [String] {
    ["", "last commands:"]
      + report.commands.map { command in
        let time = command.seconds.map { "\(($0 * 10_000).rounded() / 10) ms" } ?? "running"
        let failed = command.returnCode.map { $0 <= 1 ? "" : "  FAILED (\($0)) \(command.messages)" } ?? ""
        return "  \(command.startedAt)  \(time)  \(command.command)\(failed)"
      }
  }
}

import Glibc
import LinuxSystem
import Testing

/// A node: its directories, its storage, its daemon, and kubelet's calls.
final class Node {
  /// Where its volumes come from.
  enum Storage {
    case thick(VolumeGroup)
    case thin(VolumeGroup)
    case files
    case directories
  }

  let storage: Storage
  let root: String
  var kubelet: String { root + "/kubelet" }
  var state: String { root + "/state" }
  var socket: String { root + "/run/socket" }
  /// Flags for `serve` beyond the usual ones.
  var flags: [String] = []
  private(set) var daemon: Program?
  /// What all daemons of this node have logged.
  private var pastLog = ""

  init(_ storage: Storage, root: String = Scratch.fresh("node")) throws {
    self.storage = storage
    self.root = root
    for path in [root, root + "/kubelet", root + "/kubelet/pods", root + "/state"] {
      try Files.makeDirectories(path, mode: 0o755)
    }
  }

  var group: VolumeGroup {
    get throws {
      switch storage {
      case .thick(let group), .thin(let group): return group
      case .files, .directories: throw Trouble("this node has no volume group")
      }
    }
  }

  var log: String { pastLog + (daemon?.errors ?? "") }
}

// MARK: - The daemon

extension Node {
  private var arguments: [String] {
    let engine: [String]
    switch storage {
    case .thick(let group): engine = ["--engine", "lvm", "--volume-group", group.name]
    case .thin(let group):
      engine = ["--engine", "lvm", "--volume-group", group.name, "--thin-pool", VolumeGroup.thinPool]
    case .files: engine = ["--engine", "file"]
    case .directories: engine = ["--engine", "directory"]
    }
    return ["serve"] + engine + [
      "--socket", socket, "--state-dir", state, "--kubelet-root", kubelet, "--node-name", "lab-node",
      "--reclaim-grace", "0",
    ] + flags
  }

  /// Starts the daemon and waits until it answers. `fault` is what ELASTIC_LOCAL_FAULT takes.
  func start(fault: String? = nil) throws {
    let program = try launch(fault: fault)
    let isServing = eventually(seconds: 30) {
      !program.isRunning || (try? UnixSocket.connect(path: socket)) != nil && program.errors.contains(" serving ")
    }
    guard isServing, program.isRunning else {
      let ended = try program.wait(seconds: 1)
      daemon = nil
      pastLog += ended.errors
      throw Trouble("the daemon did not start: \(ended.errors.suffix(500))")
    }
  }

  /// Starts the daemon and does not wait.
  @discardableResult
  func launch(fault: String? = nil) throws -> Program {
    guard daemon == nil else { throw Trouble("the daemon runs already") }
    var environment = ["ELASTIC_LOCAL_FAULT": ""]
    environment["ELASTIC_LOCAL_FAULT"] = fault
    let program = try Program(Products.daemon, arguments, environment: environment)
    daemon = program
    return program
  }

  /// Kills it without a word, as the kernel does when memory is short.
  func kill9() throws {
    daemon?.send(SIGKILL)
    try reap()
  }

  /// Ends it in an orderly way.
  func stop(at location: SourceLocation = #_sourceLocation) throws {
    guard let daemon else { return }
    daemon.send(SIGTERM)
    let ended = try daemon.wait(seconds: 60)
    #expect(ended.exitCode == 0, "the daemon ended badly: \(ended.errors.suffix(2000))", sourceLocation: location)
    self.daemon = nil
    pastLog += ended.errors
  }

  func restart(fault: String? = nil) throws {
    try kill9()
    try start(fault: fault)
  }

  /// The injected fault must have ended the daemon, at that point and no other way.
  func expectDeath(_ what: String, at location: SourceLocation = #_sourceLocation) throws {
    let isDead = eventually(seconds: 10) { daemon?.isRunning != true }
    #expect(isDead, "\(what) was not reached", sourceLocation: location)
    if !isDead { daemon?.send(SIGKILL) }
    let ended = try reap()
    #expect(ended?.signal == SIGKILL, "the daemon ended otherwise: \(ended?.errors ?? "")", sourceLocation: location)
  }

  @discardableResult
  private func reap() throws -> Program.Ended? {
    let ended = try daemon?.wait(seconds: 20)
    daemon = nil
    pastLog += ended?.errors ?? ""
    return ended
  }
}

// MARK: - Kubelet's calls

extension Node {
  /// Starts the client with these arguments, as kubelet does.
  func begin(_ arguments: [String], timeout: Int = 60) throws -> Program {
    try Program(
      Products.client, arguments,
      environment: ["ELASTIC_LOCAL_SOCKET": socket, "ELASTIC_LOCAL_TIMEOUT": "\(timeout)"])
  }

  @discardableResult
  func call(
    _ arguments: [String], timeout: Int = 60, at location: SourceLocation = #_sourceLocation
  ) throws -> FlexReply {
    let ended = try begin(arguments, timeout: timeout).wait()
    return FlexReply(arguments.joined(separator: " "), ended, at: location)
  }

  func podDirectory(_ pod: String, _ volume: String) -> String {
    "\(kubelet)/pods/\(pod)/volumes/volumes.k8s.elastic.co~elastic-local/\(volume)"
  }

  func globalDirectory(_ volume: String) -> String {
    "\(kubelet)/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co/elastic-local/mounts/\(volume)"
  }

  /// `mount`: kubelet makes the directory before, and removes it after a failure.
  @discardableResult
  func mount(
    _ volume: String, pod: String = "pod-a", _ options: Options = Options(), timeout: Int = 60,
    at location: SourceLocation = #_sourceLocation
  ) throws -> FlexReply {
    let directory = podDirectory(pod, volume)
    try Files.makeDirectories(directory, mode: 0o750)
    let reply = try call(["mount", directory, options.json(volume, pod: pod)], timeout: timeout, at: location)
    if !reply.isSuccess { rmdir(directory) }
    return reply
  }

  /// `unmount`, and kubelet's removal of the directory, which fails where something was left in it.
  @discardableResult
  func unmount(
    _ volume: String, pod: String = "pod-a", at location: SourceLocation = #_sourceLocation
  ) throws -> FlexReply {
    let directory = podDirectory(pod, volume)
    let reply = try call(["unmount", directory], at: location)
    if reply.isSuccess, rmdir(directory) != 0, errno != ENOENT {
      Issue.record("\(directory) can not be removed: \(Errno.current)", sourceLocation: location)
    }
    return reply
  }

  @discardableResult
  func expand(
    _ volume: String, pod: String = "pod-a", device: String = "", path: String? = nil, toMebibytes size: Int,
    at location: SourceLocation = #_sourceLocation
  ) throws -> FlexReply {
    let path = path ?? podDirectory(pod, volume)
    return try call(
      ["expandfs", Options().json(volume, pod: nil), device, path, "\(size << 20)", "1"], at: location)
  }

  @discardableResult
  func waitForAttach(
    _ volume: String, _ options: Options = Options(), at location: SourceLocation = #_sourceLocation
  ) throws -> FlexReply {
    try call(["waitforattach", "", options.json(volume, pod: nil)], at: location)
  }

  @discardableResult
  func mountDevice(
    _ volume: String, device: String, _ options: Options = Options(), at location: SourceLocation = #_sourceLocation
  ) throws -> FlexReply {
    let directory = globalDirectory(volume)
    try Files.makeDirectories(directory, mode: 0o750)
    return try call(["mountdevice", directory, device, options.json(volume, pod: nil)], at: location)
  }

  @discardableResult
  func unmountDevice(_ volume: String, at location: SourceLocation = #_sourceLocation) throws -> FlexReply {
    let directory = globalDirectory(volume)
    let reply = try call(["unmountdevice", directory], at: location)
    if reply.isSuccess, rmdir(directory) != 0, errno != ENOENT {
      Issue.record("\(directory) can not be removed: \(Errno.current)", sourceLocation: location)
    }
    return reply
  }

  /// `remove`, through the same socket as our own tool.
  @discardableResult
  func remove(_ volume: String, at location: SourceLocation = #_sourceLocation) throws -> FlexReply {
    try call(["remove", volume], at: location)
  }
}

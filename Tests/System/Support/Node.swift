import Glibc
import LinuxSystem
import Testing

/// A node: its directories, its storage, its daemon and its kubelet.
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
  /// The kubelet's root directory.
  var kubeletRoot: String { root + "/kubelet" }
  var state: String { root + "/state" }
  func permit(_ volume: String) -> String { "\(state)/permits/\(volume).json" }
  var socket: String { root + "/run/socket" }
  /// Groups beside the one of its storage.
  var moreGroups: [VolumeGroup] = []
  /// Flags for `serve` beyond the usual ones.
  var flags: [String] = []
  /// Variables of the daemon's environment beyond the test's own.
  var environment: [String: String] = [:]
  /// What starts the daemon, instead of the test itself.
  var starter: [String] = []
  private(set) var daemon: Program?
  /// What all daemons of this node have logged.
  private var pastLog = ""
  private let kubeletKind: Kubelet.Kind
  private(set) var madeKubelet: Kubelet?

  init(_ storage: Storage, root: String = Scratch.fresh("node"), kubelet: Kubelet.Kind = .init()) throws {
    self.storage = storage
    self.root = root
    kubeletKind = kubelet
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

  /// Its kubelet, with the client installed; it starts with the first pod.
  var kubelet: Kubelet {
    get throws {
      if let madeKubelet { return madeKubelet }
      let kubelet = try Kubelet(
        root: kubeletRoot, pluginDirectory: root + "/plugins", socket: socket, kind: kubeletKind)
      madeKubelet = kubelet
      return kubelet
    }
  }

  /// Single calls of the client, beside the kubelet's.
  var calls: SingleCalls { get throws { SingleCalls(kubelet: try kubelet) } }
}

// MARK: - The daemon

extension Node {
  private var arguments: [String] {
    let engine: [String]
    switch storage {
    case .thick(let group):
      let names = ([group] + moreGroups).map(\.name).joined(separator: ",")
      engine = ["--engine", "lvm", "--volume-group", names]
    case .thin(let group):
      engine = ["--engine", "lvm", "--volume-group", group.name, "--thin-pool", VolumeGroup.thinPool]
    case .files: engine = ["--engine", "file"]
    case .directories: engine = ["--engine", "directory"]
    }
    return ["serve"] + engine + [
      "--socket", socket, "--state-dir", state, "--kubelet-root", kubeletRoot, "--node-name", "lab-node",
      "--reclaim-grace", "0",
    ] + flags
  }

  /// Starts the daemon and waits until it answers. `fault` is what ELASTIC_LOCAL_FAULT takes.
  func start(fault: String? = nil) async throws {
    let program = try launch(fault: fault)
    let isServing = await eventually(seconds: 30) {
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
    var environment = environment
    environment["ELASTIC_LOCAL_FAULT"] = fault
    let words = starter + [Products.daemon] + arguments
    let program = try Program(words[0], Array(words.dropFirst()), environment: environment)
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

  func restart(fault: String? = nil) async throws {
    try kill9()
    try await start(fault: fault)
  }

  /// The injected fault must have ended the daemon, at that point and no other way.
  func expectDeath(_ what: String, at location: SourceLocation = #_sourceLocation) async throws {
    let isDead = await eventually { daemon?.isRunning != true }
    #expect(isDead, "\(what) was not reached", sourceLocation: location)
    if !isDead { daemon?.send(SIGKILL) }
    let ended = try reap()
    #expect(ended?.signal == SIGKILL, "the daemon ended otherwise: \(ended?.errors ?? "")", sourceLocation: location)
  }

  @discardableResult
  private func reap() throws -> Program.Ended? {
    let ended = try daemon?.wait(seconds: 60)
    daemon = nil
    pastLog += ended?.errors ?? ""
    return ended
  }
}

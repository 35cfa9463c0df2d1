import Glibc
import LinuxSystem

/// Starts disturbances and ends them.
struct Disturber {
  let node: NodeUnderTest
  let model: Model

  private var cluster: APIStandIn { node.cluster }

  /// Runs before the operation begins.
  func prepare(_ disturbance: Disturbance, _ operation: Operation) async throws {
    switch disturbance {
    case .startAmidCalls:
      try await node.daemon?.kill9()
      cluster.answer(after: .milliseconds(300))
      try await node.launchDaemon()
    case .serverLate(let delay): cluster.answer(after: .milliseconds(delay))
    case .serverAway: cluster.goAway()
    case .serverRestored(let how):
      try await restore { Self.older($0, how, of: operation.volume) }
    case .hostnames(.nodeRenamed):
      cluster.setHostname("renamed")
      try await restartWatching()
    case .hostnames(let how): try await restore { Self.elsewhere($0, how, of: operation.volume) }
    case .listsHuge:
      cluster.addBallast()
      try await restartWatching()
    case .rudePeers: try node.peers.come(to: node.place)
    case .logUnread: try await node.restartDaemon(logsUnread: true)
    case .sixAlone: try await move(to: .six)
    case .diskHangs, .descriptorsGone: break
    }
  }

  /// Runs during the operation. Returns when the disturbance is done.
  func strike(_ disturbance: Disturbance, _ operation: Operation) async throws {
    switch disturbance {
    case .startAmidCalls(let delay): try await startAgain(delay)
    case .diskHangs: try await Hang(node: node, model: model, operation: operation).run()
    case .rudePeers: try await Answering(node: node).require("while peers do not read")
    case .descriptorsGone(let left): try await takeDescriptors(left)
    default: break
    }
  }

  /// Ends the disturbance.
  func heal(_ disturbance: Disturbance) async throws {
    switch disturbance {
    case .startAmidCalls, .serverLate: cluster.answer(after: .zero)
    case .serverAway: try cluster.listen()
    case .serverRestored, .hostnames(.labelElsewhere), .hostnames(.affinityElsewhere), .listsHuge: cluster.show(model)
    case .hostnames(.nodeRenamed):
      cluster.setHostname(NodeUnderTest.name)
      try await node.restartDaemon()
    case .rudePeers: node.peers.leave()
    case .logUnread: try await endUnread()
    case .sixAlone: try await move(to: .four)
    case .descriptorsGone: try await Answering(node: node).waitForGroup()
    case .diskHangs: break
    }
  }

  // MARK: the API server

  /// Restarts the API server with other PVs, together with the daemon.
  private func restore(_ change: (ShownVolume) -> ShownVolume?) async throws {
    cluster.goAway()
    cluster.show(model, changing: change)
    try cluster.listen()
    try await restartWatching()
  }

  private static func older(
    _ volume: ShownVolume, _ how: Disturbance.Restored, of struck: String
  ) -> ShownVolume? {
    var older = volume
    switch how {
    case .withoutInstance: older.instance = nil
    case .withoutVolume: return volume.name == struck ? nil : volume
    case .otherVolume:
      guard volume.name == struck else { return volume }
      older.uid = "uid-of-an-earlier-one"
      older.instance = Group.otherInstance
    }
    return older
  }

  private static func elsewhere(
    _ volume: ShownVolume, _ how: Disturbance.Hostnames, of struck: String
  ) -> ShownVolume {
    var elsewhere = volume
    guard volume.name == struck else { return volume }
    if how == .labelElsewhere { elsewhere.node = "another" } else { elsewhere.hostname = "another" }
    return elsewhere
  }

  private func move(to address: APIStandIn.Address) async throws {
    cluster.goAway()
    try cluster.listen(at: address)
    try node.setAddress(address)
    try await restartWatching()
  }

  private func restartWatching() async throws {
    try await node.daemon?.kill9()
    let before = cluster.watches
    try await node.restartDaemon()
    try await node.waitUntilDaemonWatches(since: before)
  }

  // MARK: the daemon

  /// Meanwhile a pod repeatedly asks for a lost volume. No empty one may be created.
  private func startAgain(_ delay: Int) async throws {
    let pods = Task { [node] in
      for _ in 0..<3 { try await LostVolume(node: node).ask() }
    }
    try await Task.sleep(for: .milliseconds(delay))
    try await node.daemon?.kill9()
    try node.takeLog()
    try await node.launchDaemon()
    try await pods.value
  }

  /// Silent callers take the remaining descriptors, except in some rounds in which the daemon's own opens fail.
  private func takeDescriptors(_ left: Int) async throws {
    try await node.daemon?.withDescriptors(left) {
      if left % 2 == 0 { try node.peers.comeSilently(32, to: node.place) }
      try await Task.sleep(for: .milliseconds(1200))
      node.peers.leave()
    }
  }

  private func endUnread() async throws {
    node.daemon?.terminate()
    try await node.daemon?.waitForEnd()
    guard node.daemon?.status == .exited(0) else {
      throw Finding("a daemon whose log is not read does not end well: \(node.daemon?.status as Any)")
    }
    try await node.restartDaemon()
  }
}

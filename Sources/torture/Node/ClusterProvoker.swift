import LinuxSystem
import StorageModel

/// Shows the daemon what an API server must never be believed: that a volume which is here is another one.
struct ClusterProvoker {
  let node: NodeUnderTest
  let model: Model

  func provoke(_ dice: Dice) async throws {
    var dice = dice
    // Without a watch the daemon would see it some time.
    guard dice.percent(40), node.cluster.isWatched, node.daemon?.isRunning == true else { return }
    if dice.percent(50) { try await mountLost() } else { try await deleteAnother(&dice) }
  }

  private func mountLost() async throws {
    try await LostVolume(node: node).ask()
    LostVolume(node: node).forget()
  }

  /// The PV is deleted with the provisioner's consent to the removal of a volume, which is not the one that is here.
  private func deleteAnother(_ dice: inout Dice) async throws {
    let idle = model.sorted.filter { $0.pods.isEmpty && model.claims[$0.new.name]?.instance != nil }
    guard !idle.isEmpty else { return }
    let volume = dice.pick(idle)
    let name = volume.new.name
    guard let claim = model.claims[name] else { return }
    let events = node.cluster.events(on: name)
    var shown = ShownVolume(claim)
    shown.instance = Group.otherInstance
    shown.removable = Group.otherInstance
    node.cluster.set(shown)
    defer { node.cluster.set(ShownVolume(claim)) }
    // An Event that is one of many of its object is not sent: then nothing says when the daemon has looked.
    let limit = MonotonicClock.now() + .seconds(10)
    while node.cluster.events(on: name) == events {
      if node.cluster.report(of: claim.uid) == .removed {
        throw Finding("volume \(name) was removed for a PV that records another one")
      }
      guard MonotonicClock.now() < limit, node.cluster.isWatched else { return }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

import LinuxSystem
import StorageModel

/// Shows the daemon false statements of an API server: a PV that records another volume than the one on the node.
struct ClusterProvoker {
  let node: NodeUnderTest
  let model: Model

  func provoke(_ dice: Dice) async throws {
    var dice = dice
    // Without a watch the daemon would notice it only later.
    guard dice.percent(40), node.cluster.isWatched, node.daemon?.isRunning == true else { return }
    if dice.percent(50) { try await mountLost() } else { try await deleteAnother(&dice) }
  }

  private func mountLost() async throws {
    try await LostVolume(node: node).ask()
    LostVolume(node: node).forget()
  }

  /// Deletes the PV with the provisioner's consent to the removal of another volume than the one on the node.
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
    // The Event may be dropped because the object has had many. Then nothing shows when the daemon has checked the PV.
    let limit = MonotonicClock.now() + .seconds(10)
    while node.cluster.events(on: name) == events {
      if node.cluster.report(of: claim.uid) == .removed {
        throw Finding("volume \(name) was removed for a PV that records another volume")
      }
      guard MonotonicClock.now() < limit, node.cluster.isWatched else { return }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

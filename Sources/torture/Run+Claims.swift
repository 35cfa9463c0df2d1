/// The PVs, as a cluster creates, changes and deletes them.
extension Run {
  /// Creates a PV before a pod asks for its volume, and deletes it before an operator removes the volume.
  func changeClaims(for operation: Operation) throws {
    switch operation {
    case .make(let new, _):
      try history.add(.claimed(new))
      node.cluster.set(ShownVolume(Model.Claim(new: new)))
    case .remove(let name): try unclaim(name)
    default: break
    }
  }

  /// Changes the PV during the creation of its volume, as when a claim is bound. The daemon checks the PV each time.
  func changeMeanwhile(_ round: Model.Round) async {
    var dice = Dice(seed: planner.seed, stream: UInt64(round.number) | 1 << 42)
    guard case .make(let new, _) = round.operation, dice.percent(50) else { return }
    for _ in 0..<24 {
      // Cancelled means that the call has ended.
      do { try await Task.sleep(for: .milliseconds(dice.below(80))) } catch { return }
      node.cluster.touch(new.name)
    }
  }

  func unclaim(_ name: String) throws {
    try history.add(.unclaimed(volume: name))
    node.cluster.remove(name)
  }

  /// Removes a volume for good. If its PV records it, the PV is deleted and the daemon removes the volume; otherwise an
  /// operator does.
  func removeForGood(_ volume: Model.Volume, _ performer: Performer) async throws {
    let name = volume.new.name
    if let claim = model.claims[name], claim.instance == volume.instance, node.cluster.isWatched {
      try await performer.removeByDeletion(claim)
    } else {
      try unclaim(name)
      try await insist { try await performer.perform(.remove(volume: name)) }
    }
  }
}

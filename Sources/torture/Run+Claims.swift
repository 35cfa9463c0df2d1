/// The PVs, as a cluster makes, changes and deletes them.
extension Run {
  /// A PV is there before a pod asks for its volume, and gone before an operator removes the volume.
  func changeClaims(for operation: Operation) throws {
    switch operation {
    case .make(let new, _):
      try history.add(.claimed(new))
      node.cluster.set(ShownVolume(Model.Claim(new: new)))
    case .remove(let name): try unclaim(name)
    default: break
    }
  }

  /// The PV changes while its volume is made, as when a claim is bound to it: the daemon looks at it each time.
  func changeMeanwhile(_ round: Model.Round) async {
    var dice = Dice(seed: planner.seed, stream: UInt64(round.number) | 1 << 42)
    guard case .make(let new, _) = round.operation, dice.percent(50) else { return }
    for _ in 0..<24 {
      // Cancelled: the call has ended.
      do { try await Task.sleep(for: .milliseconds(dice.below(80))) } catch { return }
      node.cluster.touch(new.name)
    }
  }

  func unclaim(_ name: String) throws {
    try history.add(.unclaimed(volume: name))
    node.cluster.remove(name)
  }

  /// A PV that records its volume is deleted, and its volume goes with it; others are an operator's to remove.
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

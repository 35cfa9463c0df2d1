// What can be waited for.
extension NodeVolumes {
  /// Returns once all of a pod's volumes are mounted: its containers may start.
  ///
  /// False when `limit` has passed, the task was cancelled or the node stopped before. What fails meanwhile is told by
  /// events and tried again as ever.
  public func waitUntilReady(_ uid: String, limit: Duration) async -> Bool {
    await wait(limit) { isReady(uid) }
  }

  /// Returns once nothing of a pod is wanted, mounted or being worked on any more and, if the pod was forgotten, its
  /// directory is removed.
  ///
  /// False when `limit` has passed, the task was cancelled or the node stopped before.
  public func waitUntilGone(_ uid: String, limit: Duration) async -> Bool {
    await wait(limit) {
      desired[uid] == nil && !hasVolumes(uid) && underWay[uid] == nil && !orphans.contains(uid)
    }
  }

  /// Looks after each round of the reconciler: nothing changes but in one, or by a call that causes one.
  private func wait(_ limit: Duration, until isTrue: () -> Bool) async -> Bool {
    let end = host.time.now + limit
    let round = WakeUp()
    observers.append(round)
    defer { observers.removeAll { $0 === round } }
    while !isTrue() {
      if isStopped || Task.isCancelled || host.time.now >= end { return false }
      await round.wait(until: end, host.time)
    }
    return true
  }
}

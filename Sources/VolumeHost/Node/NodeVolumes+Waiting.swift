// The conditions that a caller can wait for.
extension NodeVolumes {
  /// Waits until all of a pod's volumes are mounted, so that its containers may start. Suspends.
  ///
  /// Returns false if `limit` has passed, the task was cancelled or the node stopped before. Failures meanwhile are
  /// reported as Events and retried as always.
  public func waitUntilReady(_ uid: String, limit: Duration) async -> Bool {
    await wait(limit) { isReady(uid) }
  }

  /// Waits until nothing of a pod is needed, mounted or being worked on. If the pod was forgotten, also until its
  /// directory is removed. Suspends.
  ///
  /// Returns false if `limit` has passed, the task was cancelled or the node stopped before.
  public func waitUntilGone(_ uid: String, limit: Duration) async -> Bool {
    await wait(limit) {
      desired[uid] == nil && !hasVolumes(uid) && underWay[uid] == nil && !orphans.contains(uid)
    }
  }

  /// Checks the condition after each round of the reconciler. Every change happens in a round or causes one.
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

internal import KubernetesAPI
internal import Synchronization

/// One period in which a process works. Its caches and controllers have no state of an earlier term.
package final class Term: Sendable {
  package let caches: Caches
  private let controllers = Mutex<[Entry]>([])

  private struct Entry: Sendable {
    let controller: any Controller
    let gate: SyncGate
  }

  package init(_ caches: Caches) { self.caches = caches }

  /// Adds a controller. It works in this term as soon as the first lists of the caches that it reads are complete. Call
  /// before ``run()``, after the controller's subscriptions.
  ///
  /// - Parameter read: the caches that it reads.
  package func add(_ controller: some Controller, reading read: [any FollowedCache]) {
    let gate = SyncGate(read.count) { await controller.becomeSynced() }
    for cache in read { cache.whenSynced { await gate.arrive() } }
    controllers.withLock { $0.append(Entry(controller: controller, gate: gate)) }
  }

  /// Works until the task is cancelled. Returns when the last reconciliation has ended. Call once.
  package func run() async {
    let entries = controllers.withLock { $0 }
    // Counts first: a cache may sync before the last controller is added.
    for entry in entries { await entry.gate.begin() }
    await withDiscardingTaskGroup { group in
      for entry in entries { group.addTask { await entry.controller.run() } }
      group.addTask { [caches] in await caches.run() }
    }
  }
}

/// Opens a controller when the last of its caches has synced.
private actor SyncGate {
  private var missing: Int
  private let open: @Sendable () async -> Void

  init(_ count: Int, _ open: @escaping @Sendable () async -> Void) {
    missing = count
    self.open = open
  }

  /// Opens a controller that reads no cache.
  func begin() async { if missing == 0 { await open() } }

  func arrive() async {
    missing -= 1
    if missing == 0 { await open() }
  }
}

internal import KubernetesAPI
internal import Synchronization

/// One time that a process does its work: caches and controllers that know nothing of an earlier time.
package final class Term: Sendable {
  package let caches: Caches
  private let controllers = Mutex<[Entry]>([])

  private struct Entry: Sendable {
    let controller: any Controller
    let gate: SyncGate
  }

  package init(_ caches: Caches) { self.caches = caches }

  /// Has a controller work in this term, as soon as everything that it reads has been listed. Call before ``run()``, after
  /// its subscriptions.
  ///
  /// - Parameter read: the caches that it reads.
  package func add(_ controller: some Controller, reading read: [any FollowedCache]) {
    let gate = SyncGate(read.count) { await controller.becomeSynced() }
    for cache in read { cache.whenSynced { await gate.arrive() } }
    controllers.withLock { $0.append(Entry(controller: controller, gate: gate)) }
  }

  /// Works until the task is cancelled, and returns when the last look at a key has ended. Call once.
  package func run() async {
    let entries = controllers.withLock { $0 }
    // Before any cache can arrive at a gate.
    for entry in entries { await entry.gate.begin() }
    await withDiscardingTaskGroup { group in
      for entry in entries { group.addTask { await entry.controller.run() } }
      group.addTask { [caches] in await caches.run() }
    }
  }
}

/// Opens a controller when the last of its caches has been listed.
private actor SyncGate {
  private var missing: Int
  private let open: @Sendable () async -> Void

  init(_ count: Int, _ open: @escaping @Sendable () async -> Void) {
    missing = count
    self.open = open
  }

  /// A controller that reads no cache need not wait for any.
  func begin() async { if missing == 0 { await open() } }

  func arrive() async {
    missing -= 1
    if missing == 0 { await open() }
  }
}

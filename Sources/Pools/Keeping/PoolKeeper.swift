package import Controllers
package import KubernetesAPI
internal import LinuxSystem
internal import StorageModel
internal import Synchronization

/// Keeps as many replicas of each pool ready as the pool asks for.
///
/// A key is a pool. Replicas are claims that the pool controls. Everything is decided by what lists and watches show and by the
/// ``ReplicaBook``, several replicas are worked on at a time, and all writes can be repeated.
package actor PoolKeeper: Controller {
  let knowledge: PoolKnowledge
  let writes: any PoolWrites
  let space: any PoolSpace
  let time: any Timekeeper
  private let log: @Sendable (LogLine) -> Void

  /// Since when it works. What a former leader has asked for may be carried out for a while.
  private let began: Duration
  /// By the pools' UIDs.
  var memories: [String: Memory] = [:]
  var sentRefusals = SentRefusals<String>(firstPause: SentRefusals<String>.longestPause)
  var counters = Counters()
  /// Pools that could have more replicas if a node had space.
  nonisolated let waitingForSpace = Mutex<Set<ObjectKey>>([])

  package nonisolated let keys: ReconcileLoop<ObjectKey>

  /// How many writes of one kind a look at a pool makes at the same time, and at all.
  static let batch = 16

  /// What is known of a pool beside what the API server shows. Losing it costs nothing but pauses that are too short.
  struct Memory {
    var streak = FailureStreak()
    /// The number of replicas in the last Event about scaling; nil once the pool has settled.
    var announced: Int?
    /// Why the API server does not take a replica's claim.
    var rejection: WriteFailure?
    var isShortOfSpace = false
    /// When the creation of an init job got no answer last.
    var lostJobAt: Duration?
  }

  package struct Counters: Sendable {
    package var created = 0
    package var removed = 0
    package var jobFailures = 0
  }

  package init(
    _ knowledge: PoolKnowledge, writes: any PoolWrites, space: any PoolSpace, parallelism: Int = 8,
    backoff: Backoff = .init(), time: any Timekeeper = SystemTimekeeper(), log: @escaping @Sendable (LogLine) -> Void
  ) {
    self.knowledge = knowledge
    self.writes = writes
    self.space = space
    self.time = time
    began = time.now
    self.log = log
    keys = ReconcileLoop(parallelism: parallelism, backoff: backoff, time: time)
  }

  package func reconcile(_ key: ObjectKey) async -> Ending {
    do throws(WriteFailure) {
      return try await look(at: key)
    } catch {
      // A conflict is the ordinary course of things.
      if ![.conflict, .missing, .exists].contains(error.kind) {
        logLine("pool not settled yet", ["pool": key.description, "reason": error.message], isWarning: true)
      }
      return .failed
    }
  }

  /// Something has changed about space, classes or nodes: pools that wait for it are looked at.
  package nonisolated func freeSpaceChanged() {
    for key in waitingForSpace.withLock({ $0 }) { keys.add(key, after: Self.spacePause) }
  }

  /// Many changes at once cost one look.
  private static let spacePause = Duration.seconds(1)

  // MARK: For the parts

  func logLine(_ message: String, _ values: [String: String], isWarning: Bool = false) {
    log(LogLine(message, values, isWarning: isWarning))
  }

  /// How long no creation of an init job of the pool can have been under way without an answer.
  func quietTime(of pool: String) -> Duration { time.now - max(began, memories[pool]?.lostJobAt ?? began) }

  /// Sends an Event about a pool, unless the same was sent lately.
  func sendRefusal(_ pool: Pool, _ refusal: Refusal) {
    let about = "\(pool.metadata.uid)/\(refusal.reason.rawValue)"
    guard sentRefusals.isNews(refusal, of: about, at: time.now) else { return }
    logLine(
      "pool in trouble",
      ["pool": pool.metadata.key.description, "kind": refusal.reason.rawValue, "reason": refusal.message],
      isWarning: true)
    writes.sendEvent(pool.reference, refusal.reason, refusal.message)
  }

  /// Forgets an Event of this reason: if the trouble comes again, the Event is sent at once.
  func endRefusal(_ pool: Pool, _ reason: EventReason) {
    sentRefusals.end(of: "\(pool.metadata.uid)/\(reason.rawValue)")
  }

  /// Does something with each of the items, several at a time. Returns the first failure.
  nonisolated func each<Item: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) async throws(WriteFailure) -> Void
  ) async -> WriteFailure? {
    await withTaskGroup(of: WriteFailure?.self) { group in
      for item in items {
        group.addTask {
          do throws(WriteFailure) {
            try await body(item)
            return nil
          } catch {
            return error
          }
        }
      }
      var first: WriteFailure?
      for await failure in group { first = first ?? failure }
      return first
    }
  }
}

package import Controllers
package import KubernetesAPI
internal import LinuxSystem
internal import StorageModel

/// Gives each checkout a volume of its pool, as a claim.
///
/// The PV stays, and names another claim: the checkout's claim is created with the PV's name, and then one write has the PV name
/// that claim by its UID. Until that write Kubernetes binds the claim to nothing, and from then on it binds the PV to nothing
/// else. Everything is decided by what the API server shows, so a process that is killed between two writes leaves nothing that
/// its successor does not finish.
package actor CheckoutKeeper: Controller {
  let knowledge: PoolKnowledge
  let writes: any PoolWrites
  let time: any Timekeeper
  private let log: @Sendable (LogLine) -> Void
  private let pools: ReconcileLoop<ObjectKey>

  private var sentRefusals = SentRefusals<String>()
  /// Which claims of checkouts, by their UIDs, Kubernetes was asked to look at again, and when.
  var touches: [String: Touch] = [:]
  /// Since when checkouts that have no volume yet have been known, by their UIDs.
  private var known: [String: Duration] = [:]
  private var served = (count: 0, seconds: 0.0)

  package nonisolated let keys: ReconcileLoop<Work>

  package enum Work: Hashable, Sendable {
    case checkout(ObjectKey)
    /// Whether the API server asks for the verb `use`.
    case admission
  }

  package init(
    _ knowledge: PoolKnowledge, writes: any PoolWrites, pools: ReconcileLoop<ObjectKey>, parallelism: Int = 16,
    backoff: Backoff = .init(), time: any Timekeeper = SystemTimekeeper(), log: @escaping @Sendable (LogLine) -> Void
  ) {
    self.knowledge = knowledge
    self.writes = writes
    self.pools = pools
    self.time = time
    self.log = log
    keys = ReconcileLoop(parallelism: parallelism, backoff: backoff, time: time)
  }

  package func becomeSynced() {
    keys.add(.admission)
    keys.open()
  }

  package func reconcile(_ work: Work) async -> Ending {
    switch work {
    case .admission: return await lookAtAdmission()
    case .checkout(let key):
      do throws(WriteFailure) {
        return try await look(at: key)
      } catch {
        if ![.conflict, .missing, .exists].contains(error.kind) {
          logLine("checkout not served yet", ["checkout": key.description, "reason": error.message], isWarning: true)
        }
        return .failed
      }
    }
  }

  /// Has the waiting checkouts of a pool reconciled, the oldest first. Call it when a replica may have become available.
  package nonisolated func wake(_ pool: ObjectKey) {
    for key in knowledge.waitingCheckouts(of: pool) { keys.add(.checkout(key)) }
  }

  private func lookAtAdmission() async -> Ending {
    do throws(WriteFailure) {
      guard try await knowledge.admission.look() else { return .again(after: Self.admissionInterval) }
    } catch {
      logLine("admission policy not read", ["reason": error.message], isWarning: true)
      return .failed
    }
    logLine("use of pools", ["checkedAtAdmission": "\(knowledge.admission.access.isCheckedAtAdmission)"])
    for checkout in knowledge.caches.checkouts.values { keys.add(.checkout(checkout.metadata.key)) }
    for pool in knowledge.caches.pools.values { pools.add(pool.metadata.key) }
    return .again(after: Self.admissionInterval)
  }

  private static let admissionInterval = Duration.seconds(60)

  // MARK: For the parts

  func logLine(_ message: String, _ values: [String: String], isWarning: Bool = false) {
    log(LogLine(message, values, isWarning: isWarning))
  }

  /// Its hold on a replica is over, so the pool may count anew.
  func release(_ checkout: String, _ pool: ObjectKey) {
    let isFree = knowledge.book.release(of: checkout)
    pools.add(pool)
    if isFree { wake(pool) }
  }

  /// Writes the status, and an Event where there is something to say.
  func conclude(_ checkout: Checkout, _ outcome: CheckoutOutcome, remark: String = "") async throws(WriteFailure) {
    let uid = checkout.metadata.uid
    let refusal = outcome.refusal ?? (remark.isEmpty ? nil : Refusal(.invalidCheckout, remark))
    if let refusal {
      if sentRefusals.isNews(refusal, of: uid, at: time.now) {
        logLine(
          "checkout in trouble",
          ["checkout": checkout.metadata.key.description, "kind": refusal.reason.rawValue, "reason": refusal.message],
          isWarning: true)
        writes.sendEvent(checkout.reference, refusal.reason, refusal.message)
      }
    } else {
      sentRefusals.end(of: uid)
    }
    let status = outcome.status(
      after: checkout.status, remark: remark, generation: checkout.metadata.generation,
      at: writes.serverTime ?? time.wallClock)
    try await writes.setStatus(status, of: checkout)
    count(checkout, outcome)
  }

  private func count(_ checkout: Checkout, _ outcome: CheckoutOutcome) {
    let uid = checkout.metadata.uid
    if case .checkedOut = outcome {
      guard let since = known.removeValue(forKey: uid), !checkout.isAcquired else { return }
      served.count += 1
      served.seconds += (time.now - since).inSeconds
    } else if known[uid] == nil {
      known[uid] = time.now
    }
  }

  /// A checkout is seen for the first time.
  func begin(_ checkout: Checkout) {
    if !checkout.isAcquired, known[checkout.metadata.uid] == nil { known[checkout.metadata.uid] = time.now }
  }

  func forget(_ checkout: String) {
    known[checkout] = nil
    sentRefusals.end(of: checkout)
  }

  /// Adds the figures of checkouts.
  func figures(_ figures: inout PoolFigures) {
    for checkout in knowledge.caches.checkouts.values {
      if checkout.isAcquired { figures.checkoutsAcquired += 1 } else { figures.checkoutsWaiting += 1 }
    }
    (figures.checkoutsServed, figures.checkoutSeconds) = (served.count, served.seconds)
  }
}

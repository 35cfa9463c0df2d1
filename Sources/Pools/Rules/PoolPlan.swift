internal import KubernetesAPI
package import LinuxSystem
internal import StorageLedger

/// What is to be done about a pool's replicas at one moment; asks nobody.
package struct PoolPlan: Sendable {
  package private(set) var available: [Replica] = []
  package private(set) var initializing: [Replica] = []
  /// Replicas whose init jobs have failed, and that stay until their pause is over.
  package private(set) var paused: [Replica] = []
  /// What goes: stale replicas, those whose pause is over, and more than are asked for.
  package private(set) var removals: [Replica] = []
  /// How many are to be created.
  package private(set) var missing = 0
  /// How many of the removals are there because fewer replicas are asked for.
  package private(set) var surplus = 0
  /// The last failure that is not made up for yet, and when its replica is replaced.
  package private(set) var failure: (failure: KnownJob.Failure, end: Timestamp?)?
  /// Of those, the ones whose jobs have failed.
  package private(set) var failed: [Replica] = []

  /// - Parameters:
  ///   - wish: how many replicas are asked for; nil to leave as many as there are.
  ///   - births: how many are being created and are not among the replicas yet.
  ///   - now: the API server's time; nil while it is not known.
  package init(_ replicas: [Replica], wish: Int?, births: Int, now: Timestamp?) {
    for replica in replicas.sorted(by: { PoolClaim.isOlder($0.claim, $1.claim) }) {
      switch replica.state {
      case .available: available.append(replica)
      case .initializing: initializing.append(replica)
      case .taken: break
      case .stale: removals.append(replica)
      case .failed(let failure): add(replica, failure, now)
      }
    }
    // What is created next says that it has failed before, so that no pause is forgotten.
    let present = available.count + initializing.count + paused.count + births
    guard let wish else { return }
    missing = max(0, wish - present)
    takeAway(max(0, present - wish))
  }

  private mutating func add(_ replica: Replica, _ failure: KnownJob.Failure, _ now: Timestamp?) {
    failed.append(replica)
    let end = JobBackoff.end(of: failure, attempt: replica.claim.attempt)
    if self.failure.map({ ($0.end ?? .distantPast) < (end ?? .distantPast) }) ?? true { self.failure = (failure, end) }
    if let now, let end, now >= end { removals.append(replica) } else { paused.append(replica) }
  }

  /// Those that are worth least go first: failed ones, then the youngest that are not ready, then the youngest.
  private mutating func takeAway(_ count: Int) {
    for _ in 0..<count {
      guard let least = paused.popLast() ?? initializing.popLast() ?? available.popLast() else { return }
      removals.append(least)
      surplus += 1
    }
  }

  /// Exactly as many as are asked for are ready, and nothing is under way.
  package func isSettled(wish: Int) -> Bool {
    available.count == wish && initializing.isEmpty && paused.isEmpty && missing == 0 && surplus == 0
  }

  /// The jobs that have done their part and may go, by now, and when the next one may.
  ///
  /// A request to create a job may be carried out long after its answer was lost. While there is a job of the name it has no effect.
  /// Without it, the job would run a second time, on a volume that is ready or that somebody has.
  ///
  /// - Parameters:
  ///   - now: the API server's time; nil while it is not known.
  ///   - quiet: how long ago such an answer was lost, at least.
  package func finishedJobs(_ now: Timestamp?, quiet: Duration) -> (due: [KnownJob], next: Duration?) {
    let jobs = available.compactMap(\.ownJob).filter { !$0.isGoing }
    // A former leader may have asked for the job too, until it was created.
    let ages = jobs.map { job in (job, now.flatMap { now in job.created.map { now - $0 } } ?? .zero) }
    let waits = ages.map { Allocator.writeLimit - min($0.1, quiet) }
    return (zip(jobs, waits).filter { $0.1 <= .zero }.map(\.0), waits.filter { $0 > .zero }.min())
  }

  /// The earliest end of a pause.
  package var nextEnd: Timestamp? {
    paused.compactMap { replica in
      guard case .failed(let failure) = replica.state else { return nil }
      return JobBackoff.end(of: failure, attempt: replica.claim.attempt)
    }.min()
  }
}

extension Timestamp {
  fileprivate static let distantPast = Timestamp(seconds: .min)
}

/// How many init jobs of a pool have failed in a row.
package struct FailureStreak: Sendable {
  package private(set) var count = 0
  /// Replicas whose failures have been counted.
  private var counted: Set<String> = []

  package init() {}

  /// Which attempt the next replica is.
  package var attempt: Int { count + 1 }

  /// Counts failures that have not been counted.
  ///
  /// - Parameter ready: replicas that became ready. One that was created after a failed one ends the row.
  /// - Returns: the replicas whose failures are new.
  @discardableResult
  package mutating func see(failed: [Replica], ready: [Replica]) -> [Replica] {
    let newest = ready.compactMap(\.claim.created).max()
    let new = failed.filter { !counted.contains($0.claim.uid) }
    for replica in new {
      if let newest, let created = replica.claim.created, newest > created { continue }
      count = max(count, replica.claim.attempt)
    }
    counted = Set(failed.map(\.claim.uid))
    return new
  }

  /// A replica has become ready.
  package mutating func succeeded() { count = 0 }
}

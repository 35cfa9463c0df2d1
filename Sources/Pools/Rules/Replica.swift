internal import KubernetesAPI

/// A claim of a pool's, with all that is known about it at one moment.
package struct Replica: Sendable {
  package var claim: PoolClaim
  /// Its init job; nil while there is none.
  package var job: KnownJob?
  /// A checkout has it, or is about to.
  package var isTaken: Bool
  /// Its volume exists, as far as that can be known.
  package var isPrepared: Bool
  /// Whether it is handed out only after a job has ended.
  package var needsJob: Bool
  /// Whether the pool has to choose its node.
  package var needsNode: Bool

  package init(
    claim: PoolClaim, job: KnownJob? = nil, isTaken: Bool = false, isPrepared: Bool = true, needsJob: Bool = false,
    needsNode: Bool = false
  ) {
    self.claim = claim
    self.job = job
    self.isTaken = isTaken
    self.isPrepared = isPrepared
    self.needsJob = needsJob
    self.needsNode = needsNode
  }

  package enum State: Hashable, Sendable {
    case initializing
    case available
    /// A checkout has it.
    case taken
    /// Its init job has failed.
    case failed(KnownJob.Failure)
    /// It is being deleted, or its volume is gone or another claim's.
    case stale
  }

  package var state: State {
    if claim.isGoing || claim.isLost { return .stale }
    if isTaken { return .taken }
    if claim.isReady { return .available }
    // The job of somebody else has its name, so it can never have one.
    if needsJob, let job, !job.owners.contains(claim.uid) {
      return .failed(
        .init(reason: "NameTaken", message: "another Job has the name \(claim.key.name)", time: claim.created))
    }
    if let failure = job?.failure { return .failed(failure) }
    return .initializing
  }

  /// Its job, if it is not somebody else's of the same name.
  package var ownJob: KnownJob? { job.flatMap { $0.owners.contains(claim.uid) ? $0 : nil } }

  /// What is to be done about a replica that is not ready yet.
  package enum Step: Hashable, Sendable {
    /// Nothing before something changes.
    case wait
    case createJob
    case chooseNode
    case markAvailable
  }

  package var step: Step {
    guard state == .initializing else { return .wait }
    if needsNode, claim.volumeName.isEmpty, claim.selectedNode == nil { return .chooseNode }
    if needsJob {
      guard let job else { return .createJob }
      return job.isComplete && !job.isGoing && claim.isBound ? .markAvailable : .wait
    }
    return claim.isBound && isPrepared ? .markAvailable : .wait
  }
}

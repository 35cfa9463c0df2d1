package import KubernetesAPI

/// Settings that decide which of several processes works, by a Lease (`coordination.k8s.io/v1`).
///
/// Assumes that the clocks of two machines run at about the same rate, and nothing about the time that they show. A
/// lease counts as lost by its holder if this machine has not seen it change for its whole duration. A lease is not a
/// fence: a write that a former leader must not make needs a precondition.
///
///     |◀──────────── duration ────────────▶|  others may take over
///     |◀──── renewDeadline ────▶|             the work is cancelled
///     |◀ retryPeriod ▶|                       repeated renewals
package struct LeaderElection: Sendable, Hashable {
  /// The namespace and name of the Lease.
  package var lease: ObjectKey
  /// The name of this process, unique among all candidates: the pod's name and random characters.
  package var identity: String
  package var duration: Duration
  /// How long the work continues after the last successful renewal.
  package var renewDeadline: Duration
  package var retryPeriod: Duration

  /// - Throws: `APIError` with the durations, if they do not fit together or the identity is empty.
  package init(
    lease: ObjectKey, identity: String, duration: Duration = .seconds(15), renewDeadline: Duration = .seconds(10),
    retryPeriod: Duration = .seconds(2)
  ) throws(APIError) {
    guard !identity.isEmpty, duration >= .seconds(1), retryPeriod > .zero, retryPeriod * 1.5 < renewDeadline,
      renewDeadline < duration
    else {
      throw APIError(
        .invalid,
        "leader election: an identity is needed, and retry period x 1.5 < renew deadline < lease duration, "
          + "at least 1 s; given were \(retryPeriod), \(renewDeadline), \(duration)")
    }
    self.lease = lease
    self.identity = identity
    // A Lease stores whole seconds.
    self.duration = .seconds(duration.components.seconds + (duration.components.attoseconds > 0 ? 1 : 0))
    self.renewDeadline = renewDeadline
    self.retryPeriod = retryPeriod
  }

  /// The time after the last renewal at which unfinished work ends the process: a fifth of the interval before others
  /// may take over.
  var lastMoment: Duration { duration - (duration - renewDeadline) / 5 }
}

package import KubernetesAPI

/// Who of several programs does the work, by a Lease (`coordination.k8s.io/v1`).
///
/// Assumes that two machines' clocks run at about the same rate, nothing about what time they show: a lease counts as
/// lost by its holder when this machine has not seen it change for its whole duration. A lease is no fence: a write
/// that must not come from a former leader needs a precondition.
///
///     |◀──────────── duration ────────────▶|  others may take over
///     |◀──── renewDeadline ────▶|             the work is cancelled
///     |◀ retryPeriod ▶|                       a renewal, again and again
package struct LeaderElection: Sendable, Hashable {
  /// The Lease's place.
  package var lease: ObjectKey
  /// Ours, unique among all that take part: the pod's name and something random.
  package var identity: String
  package var duration: Duration
  /// How long after the last successful renewal the work goes on.
  package var renewDeadline: Duration
  package var retryPeriod: Duration

  /// - Throws: what is wrong with the durations.
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
    // A Lease holds whole seconds.
    self.duration = .seconds(duration.components.seconds + (duration.components.attoseconds > 0 ? 1 : 0))
    self.renewDeadline = renewDeadline
    self.retryPeriod = retryPeriod
  }

  /// When a work that does not end has to be ended, from the last renewal: a fifth of the reserve before others may
  /// take over.
  var lastMoment: Duration { duration - (duration - renewDeadline) / 5 }
}

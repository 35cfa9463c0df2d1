package import LinuxSystem

/// How long a replica whose init job has failed stays before it is replaced.
package enum JobBackoff {
  package static let first = Duration.seconds(10)
  package static let most = Duration.seconds(3600)

  /// 10 s, doubling up to an hour.
  ///
  /// - Parameter attempt: how many init jobs in a row have failed.
  package static func pause(afterAttempt attempt: Int) -> Duration {
    min(most, first * (1 << min(max(attempt, 1) - 1, 20)))
  }

  /// When the replica is replaced, by the API server's clock; nil if the job does not say when it failed.
  package static func end(of failure: KnownJob.Failure, attempt: Int) -> Timestamp? {
    failure.time.map { $0 + pause(afterAttempt: attempt) }
  }
}

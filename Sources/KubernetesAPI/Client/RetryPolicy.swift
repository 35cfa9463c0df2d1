/// How often and how fast a request is repeated.
///
/// With the defaults a request waits about 0.25, 0.5, 1 and 2 s (each shortened by chance to no less than half), unless
/// the server names a time, which is kept up to `longestWait`.
package struct RetryPolicy: Sendable {
  package var attempts: Int
  package var firstWait: Duration
  package var longestWait: Duration

  package init(attempts: Int = 5, firstWait: Duration = .milliseconds(250), longestWait: Duration = .seconds(30)) {
    self.attempts = attempts
    self.firstWait = firstWait
    self.longestWait = longestWait
  }

  /// What a request may cost when it is sent twice.
  enum Repeatability {
    /// Reading: any number of times.
    case always
    /// Changing: only where the first was certainly not carried out.
    case ifNotCarriedOut
  }

  /// The wait before attempt `attempt + 1`; nil when there is none.
  func wait(after error: APIError, attempt: Int, _ repeatability: Repeatability) -> Duration? {
    guard attempt < attempts, error.isTransient else { return nil }
    guard repeatability == .always || !error.mayHaveHappened else { return nil }
    if let wish = error.retryAfter { return min(max(wish, firstWait), longestWait) }
    return min(firstWait * (1 << min(attempt - 1, 16)), longestWait)
  }
}

/// How often a request is retried, and after what delays.
///
/// With the defaults a request waits about 0.25, 0.5, 1 and 2 s, each shortened at random by up to half. If the server
/// asks for a delay, that is used, up to `longestWait`.
package struct RetryPolicy: Sendable {
  package var attempts: Int
  package var firstWait: Duration
  package var longestWait: Duration

  package init(attempts: Int = 5, firstWait: Duration = .milliseconds(250), longestWait: Duration = .seconds(30)) {
    self.attempts = attempts
    self.firstWait = firstWait
    self.longestWait = longestWait
  }

  /// Whether a request may be sent twice.
  enum Repeatability {
    /// Reads: any number of times.
    case always
    /// Writes: only if the first request was certainly not carried out.
    case ifNotCarriedOut
  }

  /// The delay before attempt `attempt + 1`; nil when there is no further attempt.
  func wait(after error: APIError, attempt: Int, _ repeatability: Repeatability) -> Duration? {
    guard attempt < attempts, error.isTransient else { return nil }
    guard repeatability == .always || !error.mayHaveHappened else { return nil }
    if let wish = error.retryAfter { return min(max(wish, firstWait), longestWait) }
    return min(firstWait * (1 << min(attempt - 1, 16)), longestWait)
  }
}

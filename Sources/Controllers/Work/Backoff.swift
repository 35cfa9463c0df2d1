/// The delay of a key after each of several failures in a row.
package struct Backoff: Hashable, Sendable {
  package var first: Duration
  package var most: Duration

  package init(first: Duration = .seconds(1), most: Duration = .seconds(60)) {
    self.first = first
    self.most = most
  }

  /// Doubles with each failure. A fifth of the delay is random, so that keys that failed together are not retried
  /// together.
  ///
  /// - Parameter chance: a random number from 0 to 1.
  func delay(afterFailures count: Int, chance: Double) -> Duration {
    min(most, first * (1 << min(count - 1, 20))) * (0.8 + chance / 5)
  }
}

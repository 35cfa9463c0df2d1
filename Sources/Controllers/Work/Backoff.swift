/// How long a key waits after each failure in a row.
package struct Backoff: Hashable, Sendable {
  package var first: Duration
  package var most: Duration

  package init(first: Duration = .seconds(1), most: Duration = .seconds(60)) {
    self.first = first
    self.most = most
  }

  /// Twice as long each time; a fifth of it by chance, so that what failed together does not come back together.
  ///
  /// - Parameter chance: from 0 to 1.
  func delay(afterFailures count: Int, chance: Double) -> Duration {
    min(most, first * (1 << min(count - 1, 20))) * (0.8 + chance / 5)
  }
}

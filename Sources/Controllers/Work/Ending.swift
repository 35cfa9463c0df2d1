/// How a look at a key ended, and so when to look again.
package enum Ending: Hashable, Sendable {
  /// Nothing is left to do until something changes.
  case done
  /// Once more, by the ``Backoff``.
  case failed
  /// Once more, after that time; no failure.
  case again(after: Duration)
}

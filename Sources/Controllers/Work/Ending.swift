/// How a reconciliation of a key ended, and when to repeat it.
package enum Ending: Hashable, Sendable {
  /// Nothing to do until something changes.
  case done
  /// Repeat with the delay of the ``Backoff``.
  case failed
  /// Repeat after this time. Not a failure.
  case again(after: Duration)
}

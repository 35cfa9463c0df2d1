import CFlexClient

/// A point in time on the monotonic clock.
struct Deadline {
  private let end: Int64

  /// Creates a deadline `milliseconds` from now.
  init(milliseconds: Int) { end = flexclient_now() + Int64(milliseconds) }

  /// The remaining milliseconds. 0 after the deadline.
  var remaining: Int { max(0, Int(end - flexclient_now())) }
}

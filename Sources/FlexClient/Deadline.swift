import CFlexClient

/// A point on the monotonic clock.
struct Deadline {
  private let end: Int64

  /// That many milliseconds from now.
  init(milliseconds: Int) { end = flexclient_now() + Int64(milliseconds) }

  /// Milliseconds that are left; 0 when it has passed.
  var remaining: Int { max(0, Int(end - flexclient_now())) }
}

package import LinuxSystem
internal import Synchronization

/// The API server's time of day, from the `Date` of its replies. Accurate to a second or two.
package final class ServerClock: Sendable {
  private let time: any Timekeeper
  private let last = Mutex<(date: Timestamp, at: Duration)?>(nil)

  init(_ time: any Timekeeper) { self.time = time }

  /// The time of the last reply plus the time since. Nil before the first reply, and if replies have no date.
  package var now: Timestamp? {
    last.withLock { $0 }.map { last in last.date + (time.now - last.at) }
  }

  /// Records the time of a reply.
  func record(_ head: HTTPHead) {
    guard let date = head.fields["date"].flatMap({ Timestamp(httpDate: $0) }) else { return }
    let now = time.now
    last.withLock { $0 = (date, now) }
  }
}

package import LinuxSystem
internal import Synchronization

/// The API server's time of day, as the heads of its replies tell it. Exact to a second or two.
package final class ServerClock: Sendable {
  private let time: any Timekeeper
  private let last = Mutex<(said: Timestamp, at: Duration)?>(nil)

  init(_ time: any Timekeeper) { self.time = time }

  /// What its last reply said, and the time since. Nil before the first reply, and where replies have no date.
  package var now: Timestamp? {
    last.withLock { $0 }.map { last in last.said + (time.now - last.at) }
  }

  func note(_ head: HTTPHead) {
    guard let said = head.fields["date"].flatMap({ Timestamp(httpDate: $0) }) else { return }
    let now = time.now
    last.withLock { $0 = (said, now) }
  }
}

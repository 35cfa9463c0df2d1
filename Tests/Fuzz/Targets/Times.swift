@testable internal import KubernetesAPI
internal import LinuxSystem

extension FuzzTarget {
  /// Times as the API server and HTTP write them: what is read is printed as the same point in time.
  static let timestamp = FuzzTarget("timestamp", maximumLength: 64) { bytes throws(Violation) in
    let text = String(decoding: bytes, as: UTF8.self)
    for time in [Timestamp(rfc3339: text), Timestamp(httpDate: text)] {
      guard let time else { continue }
      try hold((0..<1_000_000_000).contains(time.nanoseconds), "\(text) has \(time.nanoseconds) nanoseconds")
      try hold(Timestamp(rfc3339: time.rfc3339) == Timestamp(seconds: time.seconds), "\(text) becomes \(time.rfc3339)")
      let micro = Timestamp(seconds: time.seconds, nanoseconds: time.nanoseconds / 1000 * 1000)
      try hold(Timestamp(rfc3339: time.rfc3339Micro) == micro, "\(text) becomes \(time.rfc3339Micro)")
    }
    // In UTC, and not in a leap second, the date is the one that was written.
    guard let time = Timestamp(rfc3339: text), "zZ".utf8.contains(text.utf8.last ?? 0), !text.contains(":60") else {
      return
    }
    try hold(time.rfc3339.utf8.prefix(10).elementsEqual(text.utf8.prefix(10)), "\(text) becomes \(time.rfc3339)")
  }

  /// Lines of the head of an HTTP reply, and the error that is made of them with a body.
  static let httpHead = FuzzTarget("http-head") { bytes throws(Violation) in
    var head = HTTPHead(status: 0)
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0A) {
      let line = String(decoding: rest[...end], as: UTF8.self)
      rest = rest[(end + 1)...]
      switch HTTPHead.Line(line) {
      case .status(let status): head.status = status
      case .field(let name, let value):
        try hold(!name.contains(":") && !(name + value).utf8.contains(0x0A), "field \(name): \(value)")
        head.fields[name] = value
      case .end, .other: break
      }
    }
    let now = Timestamp(seconds: 1_700_000_000)
    let error = APIError(head, Array(rest), now: now)
    try hold(error.code == head.status && !error.message.isEmpty, "an error without words")
    try hold(error.retryAfter.map { $0 >= .zero } ?? true, "wait \(error.retryAfter ?? .zero)")
    let policy = RetryPolicy()
    if let wait = policy.wait(after: error, attempt: 1, .always) {
      try hold(wait >= policy.firstWait && wait <= policy.longestWait, "wait \(wait)")
    }
  }
}

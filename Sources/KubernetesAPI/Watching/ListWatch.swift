/// Decides the next request that keeps a copy of a collection up to date. No I/O and no clock.
///
///     list, page by page ──▶ watch from the list's version ──▶ again from the last version seen …
///       ▲  410 on a page         │ 410, an ERROR event of that kind, a line that cannot be read
///       └────────────────────────┘
struct ListWatch: Sendable {
  /// What to do next.
  enum Action: Hashable, Sendable {
    /// List a page; an empty `next` begins a new list.
    case list(next: String)
    /// Watch from this version.
    case watch(resourceVersion: String)
  }

  private(set) var action = Action.list(next: "")
  /// Failures in a row. They determine the wait before ``action``.
  private(set) var failures = 0

  /// Whether a watch has expired since the last event.
  private var hasExpired = false

  /// The wait doubles from half a second: 0, 0.5, 1, 2, 4, 8, 16, 30, 30 … s.
  var wait: Duration { failures == 0 ? .zero : min(.milliseconds(500) * (1 << min(failures - 1, 10)), .seconds(30)) }
}

extension ListWatch {
  /// Records a page. Returns true if it was the last one.
  mutating func received(_ page: ListPage) -> Bool {
    if page.next.isEmpty {
      action = .watch(resourceVersion: page.resourceVersion)
      failures = 0
      return true
    }
    action = .list(next: page.next)
    return false
  }

  /// Records an event or a bookmark.
  mutating func received(resourceVersion: String) {
    failures = 0
    hasExpired = false
    // An object without a version would make the next watch begin at any version.
    if !resourceVersion.isEmpty { action = .watch(resourceVersion: resourceVersion) }
  }

  /// Records that the request of ``action`` failed, or that an ERROR event arrived.
  mutating func failed(_ error: APIError) {
    switch (action, error.kind) {
    // No wait the first time: a version expires after every long pause, and the server has answered.
    case (.watch, .expired) where !hasExpired:
      action = .list(next: "")
      hasExpired = true
      failures = 0
    case (_, .expired): restart()
    // The server rejects the watch, or its reply is malformed. A list is certain to work.
    case (.watch, .badRequest), (.watch, .malformed), (.watch, .notFound): restart()
    default: failures += 1
    }
  }

  /// Records that the watch ended without an error, as it does every few minutes.
  mutating func ended(wasOfUse: Bool) {
    // A server that ends each watch at once must not be asked without a wait.
    failures = wasOfUse ? 0 : failures + 1
  }

  private mutating func restart() {
    action = .list(next: "")
    failures += 1
  }
}

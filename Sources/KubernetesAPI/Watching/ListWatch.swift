/// What to ask the API server next so that a copy of a collection stays true. Without I/O and without a clock.
///
///     list, page by page ──▶ watch from the list's version ──▶ again from the last version seen …
///       ▲  410 on a page         │ 410, an ERROR event of that kind, a line that cannot be read
///       └────────────────────────┘
struct ListWatch: Sendable {
  /// What to do next.
  enum Action: Hashable, Sendable {
    /// Ask for a page; an empty `next` begins a new list.
    case list(next: String)
    /// Watch from there.
    case watch(resourceVersion: String)
  }

  private(set) var action = Action.list(next: "")
  /// Failures in a row, which say how long to wait before ``action``.
  private(set) var failures = 0

  /// A watch has expired since the last event.
  private var hasExpired = false

  /// Waits double from half a second: 0, 0.5, 1, 2, 4, 8, 16, 30, 30 … s.
  var wait: Duration { failures == 0 ? .zero : min(.milliseconds(500) * (1 << min(failures - 1, 10)), .seconds(30)) }
}

extension ListWatch {
  /// A page has come; true when it was the last one.
  mutating func received(_ page: ListPage) -> Bool {
    if page.next.isEmpty {
      action = .watch(resourceVersion: page.resourceVersion)
      failures = 0
      return true
    }
    action = .list(next: page.next)
    return false
  }

  /// An event or a bookmark has come.
  mutating func received(resourceVersion: String) {
    failures = 0
    hasExpired = false
    // An object without a version would make the next watch begin anywhere.
    if !resourceVersion.isEmpty { action = .watch(resourceVersion: resourceVersion) }
  }

  /// The request of ``action`` failed, or an ERROR event came.
  mutating func failed(_ error: APIError) {
    switch (action, error.kind) {
    // At once the first time: an old version is what comes of every long pause, and the server is there to say so.
    case (.watch, .expired) where !hasExpired:
      action = .list(next: "")
      hasExpired = true
      failures = 0
    case (_, .expired): restart()
    // The server does not understand the watch, or we do not understand the server: only a list is sure.
    case (.watch, .badRequest), (.watch, .malformed), (.watch, .notFound): restart()
    default: failures += 1
    }
  }

  /// The watch ended in good order, as it does every few minutes.
  mutating func ended(wasOfUse: Bool) {
    // A server that ends each watch at once must not be asked without a pause.
    failures = wasOfUse ? 0 : failures + 1
  }

  private mutating func restart() {
    action = .list(next: "")
    failures += 1
  }
}

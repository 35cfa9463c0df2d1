import Synchronization

/// The position of a reader in a live log.
final class LogPosition {
  private var log: WriteLog
  private var marks: Set<String> = []

  init(path: String) throws { log = try WriteLog(path: path, isLive: true) }

  /// Reads the new entries. Returns whether the mark was among all entries so far.
  func hasPassed(_ mark: String) throws -> Bool {
    let whole = try log.wholeEntries()
    while let entry = try log.next(of: whole) {
      if entry.isMark { marks.insert(entry.text) }
    }
    return marks.contains(mark)
  }
}

/// A value with a lock whose body may throw any error.
final class Lock<Value>: @unchecked Sendable {
  private let mutex = Mutex(())
  private var value: Value

  init(_ value: sending Value) { self.value = value }

  func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    try mutex.withLock { _ in try body(&value) }
  }
}

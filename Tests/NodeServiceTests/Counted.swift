import Synchronization

/// Lines that many threads add to.
final class Counted: Sendable {
  private let list = Mutex<[String]>([])

  var all: [String] { list.withLock { $0 } }
  func append(_ line: String) { list.withLock { $0.append(line) } }
}

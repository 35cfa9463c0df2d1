internal import Glibc

/// Writes lines to a descriptor from its own thread. A reader that stops reading blocks no caller. Lines that do not
/// fit are dropped and counted; a later line reports the count.
package final class LineWriter: Sendable {
  private struct State {
    var lines: [String] = []
    var bytes = 0
    /// Lines dropped since the last accepted line.
    var pending = 0
    var dropped = 0
    var isWriting = false
    var isClosed = false
  }

  private let monitor = Monitor(State())
  private let limit: Int
  private let ofDropped: @Sendable (Int) -> String

  /// Starts the thread. The descriptor must stay open as long as this object or the process lives.
  ///
  /// - Parameters:
  ///   - limit: how many bytes may wait to be written.
  ///   - ofDropped: returns the line that reports how many lines were dropped.
  /// - Throws: `EAGAIN` if the thread cannot be started.
  package init(
    _ descriptor: Int32 = STDERR_FILENO, limit: Int = 1 << 20, ofDropped: @escaping @Sendable (Int) -> String
  ) throws(SystemError) {
    self.limit = limit
    self.ofDropped = ofDropped
    let monitor = monitor
    try NativeThread.start(name: "log", stackSize: 256 << 10) { Self.work(monitor, descriptor, ofDropped) }
  }

  deinit {
    monitor.withLock { $0.isClosed = true }
    monitor.broadcast()
  }

  /// Queues a line, given without its newline. Never blocks and never fails.
  package func write(_ line: String) {
    let ofDropped = ofDropped
    let limit = limit
    monitor.withLock { state in
      guard state.bytes + line.utf8.count < limit else {
        state.pending += 1
        state.dropped += 1
        return
      }
      if state.pending > 0 { Self.append(ofDropped(state.pending), to: &state) }
      Self.append(line, to: &state)
    }
    monitor.broadcast()
  }

  /// How many lines were dropped since the start.
  package var dropped: Int { monitor.withLock { $0.dropped } }

  /// Waits until all lines are written, at most for `limit`. Blocks.
  ///
  /// - Returns: whether all lines are written.
  @discardableResult
  package func flush(within limit: Duration) -> Bool {
    monitor.wait(timeout: limit) { state in
      state.lines.isEmpty && !state.isWriting && state.pending == 0 ? true : nil
    } ?? false
  }

  private static func append(_ line: String, to state: inout State) {
    state.lines.append(line)
    state.bytes += line.utf8.count + 1
    state.pending = 0
  }

  private static func work(
    _ monitor: Monitor<State>, _ descriptor: Int32, _ ofDropped: @Sendable (Int) -> String
  ) {
    while let lines = monitor.wait(until: { next(&$0, ofDropped) }), !lines.isEmpty {
      write(lines.joined(separator: "\n") + "\n", descriptor)
      monitor.withLock { $0.isWriting = false }
      monitor.broadcast()
    }
  }

  /// Returns the lines to write. An empty array ends the thread; nil means nothing to write yet.
  private static func next(_ state: inout State, _ ofDropped: @Sendable (Int) -> String) -> [String]? {
    if state.lines.isEmpty, state.pending > 0 { append(ofDropped(state.pending), to: &state) }
    guard !state.lines.isEmpty else { return state.isClosed ? [] : nil }
    // At most 64 lines: lines taken no longer count against the limit.
    let lines = Array(state.lines.prefix(64))
    state.lines.removeFirst(lines.count)
    state.bytes -= lines.reduce(0) { $0 + $1.utf8.count + 1 }
    state.isWriting = true
    return lines
  }

  private static func write(_ text: String, _ descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        bytes = bytes.dropFirst(count)
        continue
      }
      switch Errno.current {
      case .interrupted: continue
      case .wouldBlock:
        // Another process that shares the descriptor made it non-blocking.
        var entries = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
        _ = poll(&entries, 1, 1000)
      // The reader has closed the descriptor.
      default: return
      }
    }
  }
}

extension LineWriter {
  /// Writes a program's last line to standard error. Blocks for at most 2 s.
  package static func lastWords(_ line: String) {
    // Without a thread the write could block without limit, so the line is lost.
    guard let writer = try? LineWriter(ofDropped: { _ in "" }) else { return }
    writer.write(line)
    writer.flush(within: .seconds(2))
  }
}

internal import Glibc

/// Writes lines to a descriptor from a thread of its own, so that a reader that stops reading stops nobody: what does not
/// fit is dropped and counted, and a line says how many once it flows again.
package final class LineWriter: Sendable {
  private struct State {
    var lines: [String] = []
    var bytes = 0
    /// Dropped since the last line that was taken.
    var pending = 0
    var dropped = 0
    var isWriting = false
    var isClosed = false
  }

  private let monitor = Monitor(State())
  private let limit: Int
  private let ofDropped: @Sendable (Int) -> String

  /// Starts the thread. The descriptor must stay open for as long as the process lives or this object does.
  ///
  /// - Parameters:
  ///   - limit: how many bytes may wait.
  ///   - ofDropped: the line that says how many were dropped.
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

  /// Hands a line over, without its newline. Never blocks and never fails.
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

  /// How many lines were dropped so far.
  package var dropped: Int { monitor.withLock { $0.dropped } }

  /// Waits until all lines are written, at most so long. Blocks.
  ///
  /// - Returns: whether they are.
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

  /// What to write; empty at the end, nil while there is nothing.
  private static func next(_ state: inout State, _ ofDropped: @Sendable (Int) -> String) -> [String]? {
    if state.lines.isEmpty, state.pending > 0 { append(ofDropped(state.pending), to: &state) }
    guard !state.lines.isEmpty else { return state.isClosed ? [] : nil }
    // A few at a time: what is being written counts no more.
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
      // Closed: nobody reads, and nobody will.
      default: return
      }
    }
  }
}

extension LineWriter {
  /// Writes a program's last line to standard error, for two seconds at most.
  package static func lastWords(_ line: String) {
    // Without a thread for it nothing can be said within a bound.
    guard let writer = try? LineWriter(ofDropped: { _ in "" }) else { return }
    writer.write(line)
    writer.flush(within: .seconds(2))
  }
}

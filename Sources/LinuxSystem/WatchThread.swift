/// A thread that calls a closure at intervals, for checks that must also run when all threads of Swift's cooperative
/// pool are blocked.
package final class WatchThread: Sendable {
  private let monitor = Monitor(false)

  /// Starts the thread.
  ///
  /// - Parameter look: called at once, and again after the time that it returns, until it returns nil. May block.
  /// - Throws: `EAGAIN` if the thread cannot be started.
  package init(name: String, look: @escaping @Sendable () -> Duration?) throws(SystemError) {
    let monitor = monitor
    try NativeThread.start(name: name, stackSize: 256 << 10) {
      while let pause = look() {
        let isStopped = monitor.wait(timeout: pause) { $0 ? true : nil }
        if isStopped != nil { return }
      }
    }
  }

  /// Ends the calls. Does not wait for a running call. Has no effect if called again.
  package func stop() {
    monitor.withLock { $0 = true }
    monitor.broadcast()
  }

  deinit { stop() }
}

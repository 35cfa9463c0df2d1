/// A thread that looks at something now and then, whatever the program's tasks do: for what must happen in time also when
/// all threads of Swift's cooperative pool are blocked.
package final class WatchThread: Sendable {
  private let monitor = Monitor(false)

  /// Starts the thread.
  ///
  /// - Parameter look: is called at once and then again after the time that it returns, until it returns nil.
  package init(name: String, look: @escaping @Sendable () -> Duration?) throws(SystemError) {
    let monitor = monitor
    try NativeThread.start(name: name, stackSize: 256 << 10) {
      while let pause = look() {
        let isStopped = monitor.wait(timeout: pause) { $0 ? true : nil }
        if isStopped != nil { return }
      }
    }
  }

  /// Ends the looks; one that goes on is not waited for. Again is harmless.
  package func stop() {
    monitor.withLock { $0 = true }
    monitor.broadcast()
  }

  deinit { stop() }
}

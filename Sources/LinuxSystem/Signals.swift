internal import Glibc

/// The signals of a daemon, signal(7).
package enum Signals {
  /// Blocks SIGTERM and SIGINT in this thread and those it will start, and ignores SIGPIPE: to be called first in
  /// main, before any other thread exists. Children get the default again, see `ChildProcess`.
  package static func block() {
    var set = terminationSet()
    pthread_sigmask(SIG_BLOCK, &set, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  /// Waits for SIGTERM or SIGINT and says which; call again for the next one. Needs `block` before. A thread of its
  /// own waits, and stays until there is a signal, whatever becomes of the calling task.
  package static func waitForTermination() async -> Int32 {
    await withCheckedContinuation { continuation in
      do throws(SystemError) {
        try NativeThread.start(name: "signals", stackSize: 64 << 10) { continuation.resume(returning: sigwaitOnce()) }
      } catch {
        fatalError("without a thread for signals this process could not be stopped in order: \(error)")
      }
    }
  }

  /// The same, blocking the calling thread: sigwait(3).
  package static func sigwaitOnce() -> Int32 {
    var set = terminationSet()
    var number: Int32 = 0
    while sigwait(&set, &number) != 0 {}
    return number
  }

  private static func terminationSet() -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    return set
  }
}

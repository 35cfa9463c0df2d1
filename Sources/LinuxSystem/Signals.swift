internal import Glibc

/// The signals of a daemon, signal(7).
package enum Signals {
  /// Blocks SIGTERM and SIGINT in this thread and the threads that it starts, and ignores SIGPIPE. Call it first in
  /// main, before any other thread exists. Children get the default dispositions, see `ChildProcess`.
  package static func block() {
    var set = terminationSet()
    pthread_sigmask(SIG_BLOCK, &set, nil)
    ignoreBrokenPipes()
  }

  /// Ignores SIGPIPE, for a command that other signals may end at any time.
  package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  /// Blocks the main thread of such a command until the process ends.
  package static func park() -> Never { while true { pause() } }

  /// Blocks the main thread until the process ends, and takes SIGTERM and SIGINT for `waitForTermination`. The second
  /// signal ends the process at once, whatever its tasks do. Call `block` before.
  ///
  /// It must be the main thread. The kernel offers a signal of the process to the main thread first (`complete_signal`,
  /// kernel/signal.c of Linux 6.1). liblvm2cmd unblocks both signals in the thread of a command (`sigint_allow`,
  /// lib/misc/lvm-signal.c of 2.03). A signal delivered there ends at most that command.
  package static func takeTerminations() -> Never {
    terminations.continuation.yield(sigwaitOnce())
    _ = sigwaitOnce()
    OwnProcess.kill9()
  }

  /// Waits for SIGTERM or SIGINT and returns its number. Call it again for the next one. Suspends; only one task may
  /// wait at a time. Returns 0 if the task is cancelled. The main thread must be in `takeTerminations`.
  package static func waitForTermination() async -> Int32 {
    await terminations.stream.first { _ in true } ?? 0
  }

  private static let terminations = AsyncStream.makeStream(of: Int32.self)

  /// Waits for a signal, sigwait(3). Blocks the calling thread.
  private static func sigwaitOnce() -> Int32 {
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

internal import Glibc

/// The signals of a daemon, signal(7).
package enum Signals {
  /// Blocks SIGTERM and SIGINT in this thread and those it will start, and ignores SIGPIPE: to be called first in
  /// main, before any other thread exists. Children get the default again, see `ChildProcess`.
  package static func block() {
    var set = terminationSet()
    pthread_sigmask(SIG_BLOCK, &set, nil)
    ignoreBrokenPipes()
  }

  /// For a command that signals may end at any time: only SIGPIPE is ignored.
  package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  /// Parks the main thread of such a command until the process ends.
  package static func park() -> Never { while true { pause() } }

  /// Parks the main thread until the process ends; it takes SIGTERM and SIGINT for `waitForTermination`. The second ends
  /// the process at once, whatever its tasks do. Needs `block` before.
  ///
  /// The main thread and no other: the kernel gives it a signal of the process before any other thread that would have
  /// it (`complete_signal`, kernel/signal.c of Linux 6.1). liblvm2cmd unblocks both signals in the thread of a command
  /// (`sigint_allow`, lib/misc/lvm-signal.c of 2.03), and one that is delivered there ends that command at most.
  package static func takeTerminations() -> Never {
    terminations.continuation.yield(sigwaitOnce())
    _ = sigwaitOnce()
    OwnProcess.kill9()
  }

  /// Waits for SIGTERM or SIGINT and says which; call again for the next one. Needs the main thread in
  /// `takeTerminations`; one task at a time may wait. A cancelled task waits no longer, and gets 0.
  package static func waitForTermination() async -> Int32 {
    await terminations.stream.first { _ in true } ?? 0
  }

  private static let terminations = AsyncStream.makeStream(of: Int32.self)

  /// Blocks the calling thread until there is one: sigwait(3).
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

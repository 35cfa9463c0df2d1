internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// A program that runs beside this one, with our output or a log of its own. It stays in our process group, so that a
/// terminal's signals reach it too.
package final class SpawnedProcess: Sendable {
  /// How it has ended.
  package enum End: Hashable, Sendable {
    /// By itself, with this exit status.
    case exited(Int32)
    /// By this signal.
    case signalled(Int32)
  }

  /// SIGTERM and SIGKILL.
  package enum Signal: Sendable { case terminate, kill }

  /// Its process number.
  package let processID: Int32
  private let end = Mutex<End?>(nil)

  /// Starts a program. Throws a `SystemError` when it cannot be started.
  ///
  /// - Parameters:
  ///   - words: its path and its arguments.
  ///   - environment: as `NAME=VALUE`.
  ///   - log: the file that gets its output, from the beginning; nil for our standard output.
  package init(_ words: [String], environment: [String], log: String?) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    if let log { posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600) }
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = Self.usualSignals()
    defer { posix_spawnattr_destroy(&attributes) }
    let (arguments, variables) = (Self.copies(words), Self.copies(environment))
    defer { for text in arguments + variables { free(text) } }
    var process: pid_t = 0
    let result = posix_spawn(&process, words[0], &actions, &attributes, arguments, variables)
    guard result == 0 else { throw SystemError(operation: "run", subject: words[0], errno: Errno(rawValue: result)) }
    processID = process
  }

  /// We block and ignore some, see `Signals`; it shall not.
  private static func usualSignals() -> posix_spawnattr_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    return attributes
  }

  private static func copies(_ words: [String]) -> [UnsafeMutablePointer<CChar>?] { words.map { strdup($0) } + [nil] }
}

extension SpawnedProcess {
  /// Whether it has not ended yet. Does not block.
  package var isRunning: Bool { ending == nil }

  /// Waits for its end. Blocks.
  @discardableResult
  package func wait() -> End {
    while true {
      if let end = ending { return end }
      ThreadSleep.sleep(.milliseconds(20))
    }
  }

  /// Sends a signal, unless it has been seen to end.
  package func signal(_ signal: Signal) {
    // Its number is its own until it has been waited for.
    end.withLock { end in
      if end == nil { kill(processID, signal == .kill ? SIGKILL : SIGTERM) }
    }
  }

  private var ending: End? {
    end.withLock { end in
      var status: Int32 = 0
      if end == nil, waitpid(processID, &status, WNOHANG) == processID {
        // WIFEXITED and the like, which are macros.
        end = status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f)
      }
      return end
    }
  }
}

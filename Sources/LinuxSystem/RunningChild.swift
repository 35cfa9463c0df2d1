internal import CLinux
internal import Glibc

/// A child process that has been started and not been reaped.
struct RunningChild {
  /// The process ID, which is also the ID of its group.
  let process: pid_t
  /// The executable, for messages.
  let name: String
  let manner: ChildProcess.Manner
  let progress: ToolProgress?

  /// How long a killed child may take to die before another thread waits for it.
  private static let dyingTime = Duration.seconds(5)

  /// Collects the output until the child ends or is killed, and reaps it. Blocks.
  func finish(
    reading output: consuming Descriptor, deadline: Duration, cancellation: CancellationFlag?
  ) -> ChildResult {
    var tail = OutputTail(limit: manner.outputLimit, progress: progress)
    let end = watch(output, &tail, deadline: deadline, cancellation: cancellation, awaitsOutput: manner.awaitsOutput)
    // Until the child is reaped, no other process can have its ID, and no other group can have the group's.
    if end != .ready || !manner.keepsGroup { kill(-process, SIGKILL) }
    let status: ChildResult.Status
    switch end {
    case .ready: status = reap()
    case .timedOut: status = abandon(output, &tail, as: .deadlineExceeded)
    case .cancelled: status = abandon(output, &tail, as: .cancelled)
    }
    tail.drain(output)
    return ChildResult(status: status, output: tail.text)
  }

  /// Waits for the end of the child while reading its output; with `awaitsOutput` also for the end of the output.
  /// Returns `.ready` at the end.
  private func watch(
    _ output: borrowing Descriptor, _ tail: inout OutputTail, deadline: Duration, cancellation: CancellationFlag?,
    awaitsOutput: Bool
  ) -> Poll.Event {
    let handle = ProcessHandle(process)
    var entries = [
      pollfd(fd: handle.number, events: Int16(POLLIN), revents: 0),
      pollfd(fd: output.rawValue, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      if handle.hasEnded {
        if !awaitsOutput || entries[1].fd < 0 { return .ready }
        // The handle of an ended process stays readable.
        entries[0].fd = -1
      }
      let limit = handle.number >= 0 ? deadline : min(deadline, MonotonicClock.now() + ProcessHandle.fallbackInterval)
      // poll(2) with valid arguments fails only without memory. That counts as the deadline.
      let event = (try? Poll.wait(&entries, until: limit, cancellation: cancellation)) ?? .timedOut
      if event == .cancelled { return event }
      if event == .timedOut, MonotonicClock.now() >= deadline {
        return handle.hasEnded && !awaitsOutput ? .ready : .timedOut
      }
      // A pipe that all writers have closed stays readable, so stop polling it.
      if entries[1].revents != 0, !tail.drain(output) { entries[1].fd = -1 }
    }
  }

  /// Waits for a killed child to die, for a limited time unless `manner` says otherwise.
  private func abandon(
    _ output: borrowing Descriptor, _ tail: inout OutputTail, as status: ChildResult.Status
  ) -> ChildResult.Status {
    let limit = manner.awaitsDeath ? .seconds(3_153_600_000) : Self.dyingTime
    let end = watch(
      output, &tail, deadline: MonotonicClock.now() + limit, cancellation: nil, awaitsOutput: false)
    if end == .ready { _ = reap() } else { reapLater() }
    return status
  }

  private func reapLater() {
    // Without a thread the child stays a zombie. It uses a process ID and nothing else.
    try? NativeThread.start(name: "reaper", stackSize: 64 << 10) { _ = reap() }
  }

  /// Reaps the child: waitpid(2). Decodes the status without WIFEXITED and the like, which are macros.
  private func reap() -> ChildResult.Status {
    var status: Int32 = 0
    do throws(SystemError) {
      try retryingInterrupts("wait for", name) { waitpid(process, &status, 0) }
    } catch {
      // ECHILD means that other code ignores SIGCHLD or waits for all children. The exit code is lost.
      return .signalled(0)
    }
    return status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f)
  }
}

/// A descriptor that becomes readable when a process ends, pidfd_open(2), Linux 5.3.
private struct ProcessHandle: ~Copyable {
  /// Negative on kernels without pidfd_open.
  let number: Int32
  private let process: pid_t

  /// The interval between checks on kernels without pidfd_open.
  static let fallbackInterval = Duration.milliseconds(20)

  init(_ process: pid_t) {
    self.process = process
    number = clinux_pidfd_open(process)
  }

  deinit { if number >= 0 { close(number) } }

  /// Whether the process has ended. Does not reap it.
  var hasEnded: Bool {
    var information = siginfo_t()
    let result = waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT)
    // On Linux si_signo is 0 if no child has ended, otherwise SIGCHLD.
    return result != 0 && Errno.current == .noChild || result == 0 && information.si_signo != 0
  }
}

/// The last part of a process's output.
struct OutputTail {
  /// The number of bytes kept.
  let limit: Int

  private let progress: ToolProgress?
  private var bytes: [UInt8] = []

  init(limit: Int, progress: ToolProgress? = nil) {
    self.limit = limit
    self.progress = progress
  }

  /// Reads what has come, without waiting. Returns false if no more will come.
  @discardableResult
  mutating func drain(_ pipe: borrowing Descriptor) -> Bool {
    while true {
      do throws(SystemError) {
        let chunk = try pipe.read(upTo: 16 << 10, subject: "pipe")
        if chunk.isEmpty { return false }
        append(chunk)
      } catch {
        return error.errno == .wouldBlock
      }
    }
  }

  /// Appends a piece. The buffer grows to twice the limit, so that bytes are moved rarely.
  mutating func append(_ chunk: [UInt8]) {
    bytes += progress?.take(chunk) ?? chunk
    if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }
  }

  var text: String { String(decoding: (bytes + (progress?.rest() ?? [])).suffix(limit), as: UTF8.self) }
}

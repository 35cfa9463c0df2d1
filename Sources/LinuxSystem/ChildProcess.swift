internal import CLinux
internal import Glibc
internal import Synchronization

/// Running a program to its end.
package struct ChildProcess {
  /// `PATH` with the usual directories, and messages in English.
  package static let minimalEnvironment = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
  ]

  /// What becomes of a program's output and of what it has started.
  package struct Manner: Sendable {
    /// Waits until everybody who has the output has closed it, also what the program leaves behind.
    package var awaitsOutput: Bool
    /// Leaves alone what the program leaves behind when it ends by itself.
    package var keepsGroup: Bool
    /// How many bytes of output are kept; the first are lost.
    package var outputLimit: Int

    /// Waits until a program that was killed is dead, however long it sleeps in the kernel.
    package var awaitsDeath: Bool

    /// For our own tools: the end of the program is the end.
    package static let tool = Manner(awaitsOutput: false, keepsGroup: false, outputLimit: 64 << 10)

    /// The same where nothing may be done before the program is dead.
    package static let longTool = Manner(
      awaitsOutput: false, keepsGroup: false, outputLimit: 64 << 10, awaitsDeath: true)

    /// A manner from its parts.
    package init(awaitsOutput: Bool, keepsGroup: Bool, outputLimit: Int, awaitsDeath: Bool = false) {
      self.awaitsOutput = awaitsOutput
      self.keepsGroup = keepsGroup
      self.outputLimit = outputLimit
      self.awaitsDeath = awaitsDeath
    }
  }

  /// How many programs this process has started since its beginning.
  package static var startedCount: UInt64 { started.load(ordering: .relaxed) }

  private static let started = Atomic<UInt64>(0)

  /// Runs an executable, named by its absolute path, and waits for its end. Blocks: call it on a `WorkerPool` thread.
  ///
  /// The child leads a process group of its own, reads /dev/null and has no descriptor of ours. It is killed when the
  /// calling *thread* ends (`PR_SET_PDEATHSIG`, prctl(2)), so also when this process is killed. When `deadline` has
  /// passed or `cancellation` is set, its whole group is killed; whatever is left of the group is killed as well
  /// when the child ends by itself, unless `manner` says otherwise. A child that does not die within 5 s of being killed (it sleeps in the kernel on
  /// a device) is left to a thread that waits for it, and this call returns, unless `manner` says otherwise.
  ///
  /// Throws only when the program could not be started, with the errno of execve(2).
  package static func run(
    _ executable: String, _ arguments: [String], environment: [String] = minimalEnvironment, deadline: Duration?,
    cancellation: CancellationFlag? = nil, manner: Manner = .tool, progress: ToolProgress? = nil
  ) throws(SystemError) -> ChildResult {
    // Nobody waits for a century.
    let limit = MonotonicClock.now() + (deadline ?? .seconds(3_153_600_000))
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let pipe = try Pipe(subject: executable)
    let process = try start(executable, arguments, environment, input: null, output: pipe.writeEnd)
    started.wrappingAdd(1, ordering: .relaxed)
    let child = RunningChild(process: process, name: executable, manner: manner, progress: progress)
    return child.finish(reading: pipe.closingWriteEnd(), deadline: limit, cancellation: cancellation)
  }

  private static func start(
    _ executable: String, _ arguments: [String], _ environment: [String], input: borrowing Descriptor,
    output: borrowing Descriptor
  ) throws(SystemError) -> pid_t {
    let argv = CStringArray([executable] + arguments)
    let envp = CStringArray(environment)
    let (input, output) = (input.rawValue, output.rawValue)
    return try retryingInterrupts("run", executable) {
      clinux_spawn(executable, argv.pointer, envp.pointer, input, output, output, getpid())
    }
  }
}

/// Both ends of a pipe, pipe(2).
private struct Pipe: ~Copyable {
  let readEnd: Descriptor
  let writeEnd: Descriptor

  init(subject: String) throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    try retryingInterrupts("make pipe for", subject) { clinux_pipe(&ends) }
    let reader = Descriptor(adopting: ends[0])
    let writer = Descriptor(adopting: ends[1])
    // Only our end: the child expects its output to block.
    let number = reader.rawValue
    try retryingInterrupts("set up pipe for", subject) { fcntl(number, F_SETFL, O_NONBLOCK) }
    readEnd = reader
    writeEnd = writer
  }

  consuming func closingWriteEnd() -> Descriptor { readEnd }
}

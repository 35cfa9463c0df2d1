internal import CLinux
internal import Glibc
internal import Synchronization

/// Runs a program to its end.
package struct ChildProcess {
  /// `PATH` with the usual directories, and a locale with English messages.
  package static let minimalEnvironment = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
  ]

  /// How a run treats the program's output and the processes that the program started.
  package struct Manner: Sendable {
    /// Waits until every process that has the output has closed it, also those that the program leaves behind.
    package var awaitsOutput: Bool
    /// Does not kill the processes that the program leaves behind when it ends by itself.
    package var keepsGroup: Bool
    /// How many bytes of output are kept. The oldest bytes are dropped first.
    package var outputLimit: Int

    /// Waits until a killed program is dead, however long it sleeps in the kernel.
    package var awaitsDeath: Bool

    /// For our own tools. The run ends when the program ends; the rest of its process group is killed.
    package static let tool = Manner(awaitsOutput: false, keepsGroup: false, outputLimit: 64 << 10)

    /// Like ``tool``, for work where the next step is only safe after the program is dead.
    package static let longTool = Manner(
      awaitsOutput: false, keepsGroup: false, outputLimit: 64 << 10, awaitsDeath: true)

    package init(awaitsOutput: Bool, keepsGroup: Bool, outputLimit: Int, awaitsDeath: Bool = false) {
      self.awaitsOutput = awaitsOutput
      self.keepsGroup = keepsGroup
      self.outputLimit = outputLimit
      self.awaitsDeath = awaitsDeath
    }
  }

  /// How many programs this process has started.
  package static var startedCount: UInt64 { started.load(ordering: .relaxed) }

  private static let started = Atomic<UInt64>(0)

  /// Runs an executable, given by its absolute path, and waits for its end. Blocks: call it on a `WorkerPool` thread.
  ///
  /// The child leads its own process group, reads /dev/null and inherits no other descriptor. It is killed when the
  /// calling *thread* ends (`PR_SET_PDEATHSIG`, prctl(2)), so also when this process is killed.
  ///
  /// The whole process group is killed when `deadline` has passed or `cancellation` is set. The rest of the group is
  /// also killed when the child ends by itself, unless `manner` says otherwise.
  ///
  /// A killed child can sleep in the kernel on a device. If it is not dead after 5 s, a new thread waits for it and
  /// this call returns, unless `manner` says otherwise.
  ///
  /// - Throws: the error of execve(2) or of an earlier step, only if the program could not be started.
  package static func run(
    _ executable: String, _ arguments: [String], environment: [String] = minimalEnvironment, deadline: Duration?,
    cancellation: CancellationFlag? = nil, manner: Manner = .tool, progress: ToolProgress? = nil
  ) throws(SystemError) -> ChildResult {
    // A century stands for no deadline.
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
    // Only our end is non-blocking: the child expects writes to its output to block.
    let number = reader.rawValue
    try retryingInterrupts("set up pipe for", subject) { fcntl(number, F_SETFL, O_NONBLOCK) }
    readEnd = reader
    writeEnd = writer
  }

  consuming func closingWriteEnd() -> Descriptor { readEnd }
}

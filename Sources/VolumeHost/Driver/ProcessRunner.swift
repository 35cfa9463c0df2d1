internal import LinuxSystem

/// Runs drivers as processes: directory "/", umask 022, /dev/null as input, output and errors in one pipe, and this process's
/// environment unless another is given.
///
/// Each waits on a thread of its own, so a driver that hangs blocks nothing but its own call. As for a kubelet, a call is over
/// when nobody has its output open any more: a process that a driver leaves behind with it holds the call up, and is left
/// alone otherwise. A cancelled task kills its driver and everything that driver started. Two things differ from a kubelet:
/// when this process ends its drivers are killed, and of an output only the last 16 MiB are kept.
public struct ProcessRunner: DriverRunner {
  private let pool: WorkerPool
  private let environment: [String]

  private static let manner = ChildProcess.Manner(awaitsOutput: true, keepsGroup: true, outputLimit: 16 << 20)

  /// A runner for so many calls at a time; more wait. A `PATH` is added where there is none.
  public init(concurrency: Int = 64, environment: [String: String]? = nil) {
    pool = WorkerPool(name: "flex-driver", limit: concurrency)
    let variables = environment ?? OwnProcess.environment
    let defaults = variables["PATH"] == nil ? ChildProcess.minimalEnvironment : []
    self.environment = variables.map { "\($0.key)=\($0.value)" }.sorted() + defaults
  }

  /// Runs a driver to its end.
  public func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
    await run(executable, call.line, limit: limit)
  }

  /// Runs it with any arguments.
  func run(_ executable: String, _ line: [String], limit: Duration?) async -> DriverProcess {
    let cancellation = CancellationFlag()
    let environment = environment
    return await withTaskCancellationHandler {
      await pool.run { Self.run(executable, line, environment, limit ?? .seconds(3_000_000_000), cancellation) }
    } onCancel: {
      cancellation.cancel()
    }
  }

  private static func run(
    _ executable: String, _ line: [String], _ environment: [String], _ limit: Duration,
    _ cancellation: CancellationFlag
  ) -> DriverProcess {
    do throws(SystemError) {
      let result = try ChildProcess.run(
        executable, line, environment: environment, deadline: limit, cancellation: cancellation,
        manner: manner)
      return DriverProcess(output: result.output, end: end(result.status))
    } catch {
      return DriverProcess(output: "", end: .notStarted("fork/exec \(executable): \(error.errno.text)"))
    }
  }

  private static func end(_ status: ChildResult.Status) -> DriverProcess.End {
    switch status {
    case .exited(let code): .exited(code)
    case .signalled(let number): .signalled(number)
    case .deadlineExceeded: .timedOut
    case .cancelled: .signalled(9)
    }
  }
}

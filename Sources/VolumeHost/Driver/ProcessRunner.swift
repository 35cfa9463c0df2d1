internal import LinuxSystem

/// Runs drivers as processes: directory "/", umask 022, input from /dev/null, output and errors in one pipe. The
/// environment is this process's unless another one is given.
///
/// Each call waits on its own thread, so a driver that hangs blocks only its own call. As for a kubelet, a call ends
/// when no process has its output open. A process that a driver leaves behind with the output delays the call;
/// otherwise it is left alone. If the task is cancelled, the driver and everything it started are killed.
///
/// Two things differ from a kubelet. The drivers are killed when this process ends. And only the last 16 MiB of an
/// output are kept.
public struct ProcessRunner: DriverRunner {
  private let pool: WorkerPool
  private let environment: [String]

  private static let manner = ChildProcess.Manner(awaitsOutput: true, keepsGroup: true, outputLimit: 16 << 20)

  /// Creates a runner for `concurrency` calls at a time; further calls wait. A `PATH` is added if the environment has
  /// none.
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

  /// Runs a driver with any arguments.
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

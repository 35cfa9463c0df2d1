/// The end and the output of a driver's process.
public struct DriverProcess: Hashable, Sendable {
  /// How a process ended.
  public enum End: Hashable, Sendable {
    /// It exited with this code.
    case exited(Int32)
    /// It was ended by this signal.
    case signalled(Int32)
    /// The caller stopped it because its time limit had passed.
    case timedOut
    /// It did not start, for this reason.
    case notStarted(String)
  }

  /// Standard output and standard error together, as the caller reads them. So a word on standard error makes the JSON
  /// invalid.
  public var output: String
  /// How the process ended.
  public var end: End

  /// Creates an end from its parts.
  public init(output: String, end: End = .exited(0)) {
    self.output = output
    self.end = end
  }
}

/// Runs drivers: as processes, or as a script in a test.
public protocol DriverRunner: Sendable {
  /// Runs an executable, given by its absolute path, to its end. Suspends the caller until then.
  ///
  /// `limit` is the time after which the process is stopped. Nil is no limit.
  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess
}

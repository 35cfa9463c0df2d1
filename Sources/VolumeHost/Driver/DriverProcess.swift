/// How a driver's process ended, and what it wrote.
public struct DriverProcess: Hashable, Sendable {
  /// How a process ended.
  public enum End: Hashable, Sendable {
    /// By itself.
    case exited(Int32)
    /// By a signal.
    case signalled(Int32)
    /// The caller stopped it since its time was up.
    case timedOut
    /// It did not start, for this reason.
    case notStarted(String)
  }

  /// Standard output and error together, as the caller reads them: a word on stderr spoils the JSON.
  public var output: String
  /// How it ended.
  public var end: End

  /// An end from its parts.
  public init(output: String, end: End = .exited(0)) {
    self.output = output
    self.end = end
  }
}

/// Runs drivers: real processes, or a script in a test.
public protocol DriverRunner: Sendable {
  /// Runs an executable, named by its absolute path, to its end.
  ///
  /// `limit` is the time after which it is stopped; nil is never.
  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess
}

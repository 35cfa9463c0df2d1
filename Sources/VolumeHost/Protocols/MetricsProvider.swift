/// Says how full a volume is.
public protocol MetricsProvider: Sendable {
  /// The figures now.
  func metrics() async throws(MetricsError) -> VolumeMetrics
}

/// How full a volume is.
public struct VolumeMetrics: Hashable, Sendable {
  /// When it was looked at, by the clock that the provider was given.
  public var time: Duration
  /// The file system's figures.
  public var space: SpaceFigures
  /// What this volume takes of them: all of it by statfs, less where directories share a file system.
  public var used: Int64
  /// The same in inodes.
  public var inodesUsed: Int64

  /// Figures from their parts.
  public init(time: Duration, space: SpaceFigures, used: Int64? = nil, inodesUsed: Int64? = nil) {
    self.time = time
    self.space = space
    self.used = used ?? space.used
    self.inodesUsed = inodesUsed ?? space.inodesUsed
  }
}

/// Why there are no figures.
public struct MetricsError: Error, Hashable, Sendable {
  /// The kinds, by the numbers that Kubernetes gives them.
  public enum Code: Int, Sendable {
    /// The volume has none.
    case notSupported = 1
    /// Nobody said where to look.
    case noPathDefined = 2
    /// The system call failed.
    case fileSystemFailed = 3
  }

  /// The kind.
  public let code: Code
  /// For people.
  public let message: String

  /// A volume without figures.
  public static func notSupported(_ name: String) -> MetricsError {
    MetricsError(code: .notSupported, message: "metrics are not supported for \(name) volumes")
  }
  /// A provider without a path.
  public static let noPathDefined = MetricsError(
    code: .noPathDefined, message: "no path defined for disk usage metrics.")
  /// A file system that does not answer.
  public static func failed(_ reason: String) -> MetricsError {
    MetricsError(code: .fileSystemFailed, message: "failed to get FsInfo due to error \(reason)")
  }
}

/// For volumes that have no figures.
public struct NoMetrics: MetricsProvider {
  private let name: String

  /// `name` goes into the error.
  public init(name: String = "MetricsNil") { self.name = name }

  /// Always throws.
  public func metrics() async throws(MetricsError) -> VolumeMetrics {
    throw .notSupported(name)
  }
}

/// The figures of the file system at a path.
public struct FileSystemMetrics: MetricsProvider {
  private let path: String
  private let files: any HostFiles
  private let time: any TimeSource

  /// Figures of what is mounted at `path`.
  public init(path: String, files: any HostFiles, time: any TimeSource) {
    self.path = path
    self.files = files
    self.time = time
  }

  /// statfs(2).
  public func metrics() async throws(MetricsError) -> VolumeMetrics {
    if path.isEmpty { throw .noPathDefined }
    do throws(HostError) {
      return VolumeMetrics(time: time.now, space: try await files.space(at: path))
    } catch {
      throw .failed(error.reason)
    }
  }
}

/// Measures how full a volume is.
public protocol MetricsProvider: Sendable {
  /// Returns the present figures. Throws a `MetricsError` if there are none.
  func metrics() async throws(MetricsError) -> VolumeMetrics
}

/// The figures of a volume.
public struct VolumeMetrics: Hashable, Sendable {
  /// The time of the measurement, by the provider's clock.
  public var time: Duration
  /// The figures of the file system.
  public var space: SpaceUsage
  /// The bytes that this volume uses. Less than the file system's used bytes if directories share it.
  public var used: Int64
  /// The inodes that this volume uses.
  public var inodesUsed: Int64

  /// Creates figures from their parts.
  public init(time: Duration, space: SpaceUsage, used: Int64? = nil, inodesUsed: Int64? = nil) {
    self.time = time
    self.space = space
    self.used = used ?? space.used
    self.inodesUsed = inodesUsed ?? space.inodesUsed
  }
}

/// The reason why there are no figures.
public struct MetricsError: Error, Hashable, Sendable {
  /// The kinds of error, with the numbers of Kubernetes.
  public enum Code: Int, Sendable {
    /// The volume has no figures.
    case notSupported = 1
    /// The provider has no path.
    case noPathDefined = 2
    /// The system call failed.
    case fileSystemFailed = 3
  }

  /// The kind of error.
  public let code: Code
  /// The text for users.
  public let message: String

  /// Returns the error for a volume without figures.
  public static func notSupported(_ name: String) -> MetricsError {
    MetricsError(code: .notSupported, message: "metrics are not supported for \(name) volumes")
  }
  /// The error of a provider without a path.
  public static let noPathDefined = MetricsError(
    code: .noPathDefined, message: "no path defined for disk usage metrics.")
  /// Returns the error for a failed system call.
  public static func failed(_ reason: String) -> MetricsError {
    MetricsError(code: .fileSystemFailed, message: "failed to get FsInfo due to error \(reason)")
  }
}

/// The provider of volumes without figures.
public struct NoMetrics: MetricsProvider {
  private let name: String

  /// Creates the provider. `name` appears in the error.
  public init(name: String = "MetricsNil") { self.name = name }

  /// Always throws `.notSupported`.
  public func metrics() async throws(MetricsError) -> VolumeMetrics {
    throw .notSupported(name)
  }
}

/// The figures of the file system at a path.
public struct FileSystemMetrics: MetricsProvider {
  private let path: String
  private let files: any HostFiles
  private let time: any TimeSource

  /// Creates figures of the file system that is mounted at `path`.
  public init(path: String, files: any HostFiles, time: any TimeSource) {
    self.path = path
    self.files = files
    self.time = time
  }

  /// Returns the figures, statfs(2). Throws `.noPathDefined` for an empty path, `.fileSystemFailed` if the call fails.
  public func metrics() async throws(MetricsError) -> VolumeMetrics {
    if path.isEmpty { throw .noPathDefined }
    do throws(HostError) {
      return VolumeMetrics(time: time.now, space: try await files.space(at: path))
    } catch {
      throw .failed(error.reason)
    }
  }
}

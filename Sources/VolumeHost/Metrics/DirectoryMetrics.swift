internal import Glibc

/// The figures of a directory that shares its file system. Its blocks and inodes are counted by a walk, the rest comes
/// from statfs(2).
public struct DirectoryMetrics: MetricsProvider {
  private let path: String
  private let files: LinuxFiles
  private let time: any TimeSource

  /// Creates figures of the directory at `path`.
  public init(path: String, files: LinuxFiles, time: any TimeSource) {
    self.path = path
    self.files = files
    self.time = time
  }

  /// Walks the directory and returns its figures.
  ///
  /// - Throws: `.fileSystemFailed` if a directory cannot be read.
  public func metrics() async throws(MetricsError) -> VolumeMetrics {
    if path.isEmpty { throw .noPathDefined }
    let path = path
    do throws(HostError) {
      let use = try await files.run { () throws(HostError) in try DirectoryUse.count(path) }
      let space = try await files.space(at: path)
      return VolumeMetrics(time: time.now, space: space, used: use.bytes, inodesUsed: use.inodes)
    } catch {
      throw .failed(error.reason)
    }
  }
}

/// Counts what du(1) counts: blocks in use, each inode once, without other file systems.
struct DirectoryUse {
  private(set) var bytes: Int64 = 0
  var inodes: Int64 { Int64(seen.count) }
  private var seen: Set<UInt64> = []

  static func count(_ path: String) throws(HostError) -> DirectoryUse {
    var use = DirectoryUse()
    var status = stat()
    guard lstat(path, &status) == 0 else { throw HostError("stat", path, code: errno) }
    let device = status.st_dev
    var waiting = [path]
    use.add(status)
    while let directory = waiting.popLast() {
      for name in try names(in: directory) {
        let entry = "\(directory)/\(name)"
        guard lstat(entry, &status) == 0, status.st_dev == device else { continue }
        use.add(status)
        if status.st_mode & S_IFMT == S_IFDIR { waiting.append(entry) }
      }
    }
    return use
  }

  private mutating func add(_ status: stat) {
    // st_blocks counts units of 512 bytes, whatever the file system's block size.
    if seen.insert(UInt64(status.st_ino)).inserted { bytes += Int64(status.st_blocks) * 512 }
  }

  /// Returns the names in a directory. Empty if the directory was removed meanwhile.
  private static func names(in path: String) throws(HostError) -> [String] {
    guard let stream = opendir(path) else {
      if errno == ENOENT { return [] }
      throw HostError("read", path, code: errno)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}

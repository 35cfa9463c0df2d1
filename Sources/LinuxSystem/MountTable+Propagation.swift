internal import Glibc

extension MountTable {
  /// The mount that a path lies on: the topmost of those with the deepest mount point. Nil when no mount covers it.
  ///
  /// - Parameter path: a real absolute path; it need not exist.
  package func covering(_ path: String) -> MountEntry? {
    let covering = entries.filter { entry in
      entry.mountPoint == "/" || isSame(path, entry.mountPoint) || path.utf8.starts(with: (entry.mountPoint + "/").utf8)
    }
    guard let length = covering.map({ $0.mountPoint.utf8.count }).max() else { return nil }
    return covering.last { $0.mountPoint.utf8.count == length }
  }

  /// The mounts of the first process's namespace, which is the host's where the process namespace is. Nil where they may
  /// not be read.
  package static func ofFirstProcess() -> MountTable? {
    // Without the right to look there is nothing to compare with, and nothing else depends on it.
    try? MountTable(parsing: try Files.readAll("/proc/1/mountinfo", limit: 64 << 20))
  }
}

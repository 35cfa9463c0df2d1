internal import Glibc

extension MountTable {
  /// Returns the mount that a path is on: the topmost of those with the deepest mount point. Nil if no mount covers the
  /// path.
  ///
  /// - Parameter path: a real absolute path. It need not exist.
  package func covering(_ path: String) -> MountEntry? {
    let covering = entries.filter { entry in
      entry.mountPoint == "/" || isSame(path, entry.mountPoint) || path.utf8.starts(with: (entry.mountPoint + "/").utf8)
    }
    guard let length = covering.map({ $0.mountPoint.utf8.count }).max() else { return nil }
    return covering.last { $0.mountPoint.utf8.count == length }
  }

  /// Reads the mounts of process 1. In the host's PID namespace these are the host's mounts. Nil if they cannot be
  /// read.
  package static func ofFirstProcess() -> MountTable? {
    // Without the permission there is nothing to compare with. Nothing else depends on this table.
    try? MountTable(parsing: try Files.readAll("/proc/1/mountinfo", limit: 64 << 20))
  }
}

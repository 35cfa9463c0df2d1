internal import Glibc

/// A problem that the kernel reports for a mounted file system. Data may be damaged, unreachable or read-only.
package enum FileSystemComplaint: Hashable, Sendable {
  /// The file system is read-only although it was mounted for writing. The kernel does that after an error, ext4(5)
  /// `errors=`.
  case readOnly
  /// The root directory cannot be opened: a failing disk, damage, or an XFS that has shut down.
  case unreachable(Errno)
  /// The check has not ended: the disk does not answer.
  case hanging
  /// ext4 counted this many errors since the last repair. Since Linux 5.11 the kernel counts an error a moment after it
  /// happens.
  case errors(UInt64)

  /// Returns the problem of a mount's file system. Nil if there is none. Can block on a disk that does not answer.
  ///
  /// - Parameter mount: a mount that was made for writing.
  /// - Throws: the error of open(2) if the root cannot be opened for a reason outside the file system, such as a mount
  ///   that is gone.
  package static func about(_ mount: MountEntry) throws(SystemError) -> FileSystemComplaint? {
    do throws(SystemError) {
      _ = try Descriptor.open(mount.mountPoint, O_RDONLY | O_DIRECTORY | O_NONBLOCK)
    } catch {
      guard [.ioError, .structureNeedsCleaning].contains(error.errno) else { throw error }
      return .unreachable(error.errno)
    }
    if !readOnlyWords.isDisjoint(with: mount.superOptions) { return .readOnly }
    guard mount.fileSystemType == "ext4", let count = errorCount(of: mount.device), count > 0 else { return nil }
    return .errors(count)
  }

  /// The words in mountinfo. The second and third exist since Linux 6.13.
  private static let readOnlyWords: Set<String> = ["ro", "emergency_ro", "shutdown"]

  /// Returns `errors_count` (sysfs-fs-ext4). Nil if the kernel has no such file.
  private static func errorCount(of device: DeviceNumber) -> UInt64? {
    guard let name = Files.linkTarget("/sys/dev/block/\(device)")?.split(separator: "/").last,
      // A missing file means a kernel that does not count errors. It is no problem of the file system.
      let text = try? Files.readText("/sys/fs/ext4/\(name)/errors_count")
    else { return nil }
    return UInt64(text.filter { $0 != "\n" })
  }
}

extension FileSystemComplaint: CustomStringConvertible {
  /// The text for messages, a clause.
  package var description: String {
    switch self {
    case .readOnly: "the kernel has made its file system read-only after an error"
    case .unreachable(let errno): "its file system does not answer (\(errno))"
    case .hanging: "its file system does not answer: a check of it hangs"
    case .errors(let count): "its file system has met \(count) error\(count == 1 ? "" : "s") since it was last repaired"
    }
  }
}

internal import Glibc

/// What the kernel holds against a mounted file system: data may be damaged, or can not be reached or written.
package enum FileSystemComplaint: Hashable, Sendable {
  /// It takes no writes, though it was mounted for writing: the kernel does that after an error, ext4(5) `errors=`.
  case readOnly
  /// Its root can not be opened any more: a disk that fails, damage, an XFS that has shut itself down.
  case unreachable(Errno)
  /// The look at it has not ended: its disk does not answer.
  case hanging
  /// ext4 has met so many errors since it was last repaired. Since Linux 5.11 the kernel counts an error a moment after it.
  case errors(UInt64)

  /// What the kernel holds against the file system of a mount; nil when nothing. May block on a disk that does not answer.
  ///
  /// - Parameter mount: a mount that was made for writing.
  /// - Throws: when its root can not be opened for a reason that is not its own, such as a mount that is gone.
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

  /// How mountinfo shows it; the second and third since Linux 6.13.
  private static let readOnlyWords: Set<String> = ["ro", "emergency_ro", "shutdown"]

  /// `errors_count`, sysfs-fs-ext4. Nil where the kernel has no such file.
  private static func errorCount(of device: DeviceNumber) -> UInt64? {
    guard let name = Files.linkTarget("/sys/dev/block/\(device)")?.split(separator: "/").last,
      // A missing file is a kernel that does not count, not a complaint.
      let text = try? Files.readText("/sys/fs/ext4/\(name)/errors_count")
    else { return nil }
    return UInt64(text.filter { $0 != "\n" })
  }
}

extension FileSystemComplaint: CustomStringConvertible {
  package var description: String {
    switch self {
    case .readOnly: "the kernel has made its file system read-only after an error"
    case .unreachable(let errno): "its file system does not answer (\(errno))"
    case .hanging: "its file system does not answer: a look at it hangs"
    case .errors(let count): "its file system has met \(count) error\(count == 1 ? "" : "s") since it was last repaired"
    }
  }
}

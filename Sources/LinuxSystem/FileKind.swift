internal import Glibc

/// The kind of file at a path. A symbolic link at its end is not followed.
package enum FileKind: Hashable, Sendable {
  /// A regular file.
  case file
  /// A directory.
  case directory
  /// A symbolic link, whatever its target.
  case symlink
  /// A block device node.
  case blockDevice(DeviceNumber)
  /// A character device, socket or named pipe.
  case other

  init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .directory
    case S_IFLNK: self = .symlink
    case S_IFBLK: self = .blockDevice(DeviceNumber(rawDevice: UInt64(status.st_rdev)))
    default: self = .other
    }
  }
}

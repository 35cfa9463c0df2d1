internal import Glibc

/// The flags of a mount, mount(2).
package struct MountFlags: OptionSet, Hashable, Sendable {
  /// The bits as mount(2) takes them.
  package let rawValue: UInt

  /// The flags with these bits.
  package init(rawValue: UInt) { self.rawValue = rawValue }

  /// `ro`.
  package static let readOnly = MountFlags(rawValue: 1)
  /// `nosuid`.
  package static let nosuid = MountFlags(rawValue: 2)
  /// `nodev`.
  package static let nodev = MountFlags(rawValue: 4)
  /// `noexec`.
  package static let noexec = MountFlags(rawValue: 8)
  /// `sync`.
  package static let synchronous = MountFlags(rawValue: 16)
  /// `dirsync`.
  package static let dirsync = MountFlags(rawValue: 128)
  /// `noatime`.
  package static let noatime = MountFlags(rawValue: 1 << 10)
  /// `nodiratime`.
  package static let nodiratime = MountFlags(rawValue: 1 << 11)
  /// `relatime`, the kernel's default.
  package static let relatime = MountFlags(rawValue: 1 << 21)
  /// `strictatime`.
  package static let strictatime = MountFlags(rawValue: 1 << 24)
  /// `lazytime`, Linux 4.0.
  package static let lazytime = MountFlags(rawValue: 1 << 25)

  static let remount = MountFlags(rawValue: 1 << 5)
  static let bind = MountFlags(rawValue: 1 << 12)
}

extension MountFlags {
  /// The flags of a single mount, not of its file system. A bind mount can set them differently from its source.
  package static let perMount: MountFlags = [.readOnly, .nosuid, .nodev, .noexec, .nodiratime, .accessTimes]
  /// Exactly one of these is in effect.
  static let accessTimes: MountFlags = [.noatime, .relatime, .strictatime]

  /// Returns these flags and the added ones. An added access time flag replaces the present one.
  func adding(_ flags: MountFlags) -> MountFlags {
    let kept = flags.isDisjoint(with: .accessTimes) ? self : subtracting(.accessTimes)
    return kept.union(flags)
  }

  /// The `MOUNT_ATTR_` bits to set and to clear for these flags, mount_setattr(2).
  var attributes: (added: UInt64, cleared: UInt64) {
    let table: [(MountFlags, UInt64)] = [
      (.readOnly, 0x1), (.nosuid, 0x2), (.nodev, 0x4), (.noexec, 0x8), (.relatime, 0), (.noatime, 0x10),
      (.strictatime, 0x20), (.nodiratime, 0x80),
    ]
    let added = table.reduce(UInt64(0)) { contains($1.0) ? $0 | $1.1 : $0 }
    // The access time is one field, `MOUNT_ATTR__ATIME`. It must be cleared before it is set.
    return (added, isDisjoint(with: .accessTimes) ? 0 : 0x70)
  }

  /// Decodes the per-mount flags in `f_flag` of statvfs(3). A bind remount replaces all of them, so it must repeat
  /// them.
  init(fileSystemFlags: UInt) {
    // The ST_ numbers of <bits/statvfs.h>. Without _GNU_SOURCE the header shows only the first two.
    let table: [(UInt, MountFlags)] = [
      (1, .readOnly), (2, .nosuid), (4, .nodev), (8, .noexec), (1024, .noatime), (2048, .nodiratime),
      (4096, .relatime),
    ]
    self = table.reduce(into: []) { flags, row in
      if fileSystemFlags & row.0 != 0 { flags.insert(row.1) }
    }
    // Neither flag means strict access times. Without `strictatime` the kernel would choose relatime.
    if isDisjoint(with: [.noatime, .relatime]) { insert(.strictatime) }
  }
}

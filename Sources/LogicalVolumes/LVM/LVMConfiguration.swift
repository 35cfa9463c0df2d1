internal import LinuxSystem
internal import StorageModel

/// The LVM configuration of the daemon: the host's, overridden by ours.
///
/// Ours has its own directory (`LVM_SYSTEM_DIR`), because some settings (for example `use_aio`) are read when the
/// library starts and cannot be set with a command.
struct LVMConfiguration {
  /// The directory of our configuration, archives and backups.
  let directory: String
  /// Whether LVM should wait for udev to create device nodes. See ``UdevUse``.
  let usesUdev: Bool
  /// Whether LVM may leave our memory unlocked while it suspends devices. See ``overrides``.
  let leavesMemoryUnlocked: Bool

  var archiveDirectory: String { directory + "/archive" }
  var backupDirectory: String { directory + "/backup" }

  /// The reasons. `use_aio=0` reduces a command from 32 ms to under 1 ms (destroying an AIO context waits for an RCU
  /// grace period). Archives are kept, but a bounded number. `umask` is for files that the library creates. With
  /// `scan_lvs=0`, LVM never sees volume groups inside volumes. With `use_blkid_wiping=0` lvcreate would wipe no file
  /// systems. `thin_check` clears the mark of a thin pool whose metadata it finds sound. This is LVM's own default if
  /// it was built beside that program, which Debian's was not. Without `thin_check`, a thin pool stays read-only for
  /// good after one failed write of its metadata.
  ///
  /// `monitoring=0` keeps all commands from using dmeventd (lvm2 2.03.16, `get_activation_monitoring_mode`), and
  /// `ignore_suspended_devices=1` skips suspended disks in the search for physical volumes. The library's call for
  /// dmeventd's own sessions, `lvm2_disable_dmeventd_monitoring`, does both too, but a session with it ignores devices
  /// files (`_setup_devices_file_dmeventd`).
  ///
  /// With `wait_for_locks=0` a command fails if another program has locked the group. ``LVMEngine`` then waits in its
  /// place for a limited time, so that a command elsewhere that hangs does not keep this daemon from its other groups.
  ///
  /// While LVM suspends a device, an allocation must not wait for that device. LVM therefore locks every mapping of the
  /// process into memory, including thread stacks of 8 MiB. This made the daemon three times as large for good. Instead
  /// our LVM thread tells the kernel that its allocations must never wait for I/O (prctl(2) `PR_SET_IO_FLUSHER`), and
  /// `mlock_filter` excludes every mapping (its pattern, a blank, is in each line of /proc/self/maps). If the kernel
  /// does not support this, LVM locks as usual.
  var overrides: String {
    let udev = usesUdev ? 1 : 0
    let locking = leavesMemoryUnlocked ? "reserved_memory=0 use_mlockall=0 mlock_filter=[\" \"]" : "use_mlockall=0"
    return [
      "global{use_aio=0 use_lvmpolld=0 notify_dbus=0 wait_for_locks=0 umask=022"
        + " thin_check_options=[\"-q\",\"--clear-needs-check-flag\"]}",
      "allocation{use_blkid_wiping=1}",
      "devices{scan_lvs=0 obtain_device_list_from_udev=0 ignore_suspended_devices=1}",
      "activation{monitoring=0 udev_sync=\(udev) udev_rules=\(udev) \(locking)}",
      "backup{backup=1 archive=1 retain_min=64 retain_days=0"
        + " backup_dir=\"\(backupDirectory)\" archive_dir=\"\(archiveDirectory)\"}",
      "report{time_format=\"%s\"}",
      "log{syslog=0}",
    ].joined(separator: " ")
  }

  /// Writes the configuration. Blocks for one LVM command. Uses the host's `LVM_SYSTEM_DIR` or `/etc/lvm`.
  func write(recorder: FlightRecorder) throws(VolumeError) {
    guard directory.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x27 && $0 != 0x5C }) else {
      throw VolumeError(
        .invalid, "state directory \(quoted(directory)) holds a blank, a quote or a backslash; LVM cannot use it")
    }
    let host = OwnProcess.environment["LVM_SYSTEM_DIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/etc/lvm"
    do {
      for path in [directory, archiveDirectory, backupDirectory] { try Files.makeDirectories(path, mode: 0o700) }
      for name in ["devices", "profile"] where host != directory {
        try share("\(directory)/\(name)", with: "\(host)/\(name)")
      }
    } catch {
      throw VolumeError(.internal, "LVM configuration directory \(directory) cannot be created", cause: error)
    }
    let session = try LVMSession(systemDirectory: nil, recorder: recorder)
    let result = session.run(.writeConfiguration(overrides, to: directory + "/lvm.conf"))
    guard result.succeeded else {
      throw VolumeError(.internal, "LVM did not accept its configuration: \(result.text)")
    }
  }
}

extension LVMConfiguration {
  /// LVM looks for devices files and profiles beside lvm.conf. If the host has none, there must be no link either: LVM
  /// would create an empty directory for devices files, which fails behind a dangling link.
  private func share(_ path: String, with host: String) throws(SystemError) {
    guard Files.exists(host) else {
      if Files.linkTarget(path) != nil { try Files.removeDurably(path) }
      return
    }
    if try Files.kind(of: path) == .directory { try Files.removeDirectory(path) }
    try Files.replaceWithSymbolicLink(path, to: host)
  }
}

/// Whether udev creates LVM's device nodes.
///
/// With udev, LVM waits on a System V semaphore that the host's udev rules release. In a container with its own IPC
/// namespace the semaphore would never be released, and every command would hang.
package enum UdevUse: String, Sendable, CaseIterable {
  case auto, on, off

  /// The initial IPC namespace has a fixed inode number (Linux `include/linux/proc_ns.h`, `PROC_IPC_INIT_INO`).
  private static let initialIPCNamespace = "ipc:[4026531839]"

  var isOn: Bool {
    switch self {
    case .on: true
    case .off: false
    case .auto:
      Files.exists("/run/udev/control") && Files.linkTarget("/proc/self/ns/ipc") == Self.initialIPCNamespace
    }
  }
}

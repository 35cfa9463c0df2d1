internal import LinuxSystem
internal import StorageModel

/// The LVM configuration the daemon runs with: the host's, with ours laid over it.
///
/// Ours goes into a directory of its own (`LVM_SYSTEM_DIR`), since some settings (`use_aio` for one) are read when the
/// library starts and cannot be given with a command.
struct LVMConfiguration {
  /// Where our configuration, archives and backups live.
  let directory: String
  /// Whether LVM should wait for udev to make device nodes. See ``UdevUse``.
  let usesUdev: Bool
  /// Whether LVM may leave our memory unlocked while it suspends devices. See ``overrides``.
  let leavesMemoryUnlocked: Bool

  var archiveDirectory: String { directory + "/archive" }
  var backupDirectory: String { directory + "/backup" }

  /// Why each of these: `use_aio=0` takes a command from 32 ms to under 1 ms (tearing an AIO context down waits for an
  /// RCU grace period); archives are kept, but a bounded number of them; `umask` for the files that the library makes;
  /// `scan_lvs=0` so that volume groups inside volumes are never seen; with `use_blkid_wiping=0` lvcreate would wipe no
  /// file systems; `thin_check` takes back the mark of a pool whose metadata it finds sound, as LVM's own default is where
  /// it was built beside that program, and Debian's was not: else a pool stays read-only for good after one write of its
  /// metadata that failed.
  ///
  /// `monitoring=0` leaves dmeventd alone, whatever a command does (lvm2 2.03.16, `get_activation_monitoring_mode`), and
  /// `ignore_suspended_devices=1` passes over a suspended disk while looking for physical volumes. The library's call for
  /// dmeventd's own sessions, `lvm2_disable_dmeventd_monitoring`, does both too, but a session for which it was made heeds no
  /// devices file (`_setup_devices_file_dmeventd`).
  ///
  /// With `wait_for_locks=0` a command fails where somebody else has locked the group, and ``LVMEngine`` waits in its place, for
  /// a bounded time: a command elsewhere that hangs must not keep this daemon from its other groups.
  ///
  /// While LVM suspends a device, an allocation must not wait for that device. LVM's way is to lock every mapping of
  /// the process into memory, thread stacks of 8 MiB in full, which made this daemon three times as large for good. Our
  /// LVM thread has told the kernel instead that its allocations must never wait for I/O (prctl(2)
  /// `PR_SET_IO_FLUSHER`), so `mlock_filter` leaves every mapping alone (its pattern, a blank, is in each line of
  /// /proc/self/maps). Where the kernel did not agree, LVM locks as usual.
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

  /// Writes the configuration. Blocks for one LVM command; uses the host's `LVM_SYSTEM_DIR` or `/etc/lvm`.
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
      throw VolumeError(.internal, "LVM configuration directory \(directory) cannot be made", cause: error)
    }
    let session = try LVMSession(systemDirectory: nil, recorder: recorder)
    let result = session.run(.writeConfiguration(overrides, to: directory + "/lvm.conf"))
    guard result.succeeded else {
      throw VolumeError(.internal, "LVM did not accept its configuration: \(result.text)")
    }
  }
}

extension LVMConfiguration {
  /// LVM looks for devices files and profiles beside lvm.conf. Where the host has none there must be no link either: LVM then
  /// makes an empty directory for devices files, and cannot do that behind a link that leads nowhere.
  private func share(_ path: String, with host: String) throws(SystemError) {
    guard Files.exists(host) else {
      if Files.linkTarget(path) != nil { try Files.removeDurably(path) }
      return
    }
    if try Files.kind(of: path) == .directory { try Files.removeDirectory(path) }
    try Files.replaceWithSymbolicLink(path, to: host)
  }
}

/// Whether LVM leaves device nodes to udev.
///
/// With udev, LVM waits on a System V semaphore that the host's udev rules release. In a container that does not share
/// the host's IPC namespace nobody would ever release it, and every command would hang.
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

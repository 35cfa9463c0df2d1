internal import LinuxSystem

/// The present state of LVM's devices files (lvmdevices(8)).
///
/// The library reads them with a session's first command and never again (lvm2 2.03.16, `device_ids_read`). So when
/// they have changed, the session is opened again, and the groups are read again.
struct DevicesFiles: Hashable, Sendable {
  private let stamps: [String: FileStamp]

  /// Reads the state of the files in `devices` of the LVM configuration in `systemDirectory`. If they cannot be listed,
  /// the library finds none either.
  init(systemDirectory: String) {
    let directory = systemDirectory + "/devices"
    let names = ((try? Files.list(directory)) ?? []).filter { $0.hasSuffix(".devices") }
    var stamps: [String: FileStamp] = [:]
    for name in names { stamps[name] = FileStamp("\(directory)/\(name)") }
    self.stamps = stamps
  }
}

/// The surroundings on which LVM's view of a group depends, beside the group's own metadata.
struct Surroundings: Hashable, Sendable {
  private let devicesFiles: DevicesFiles
  /// A new disk can contain a copy of one of the group's disks, or another group of the same name. Devices of the
  /// device mapper do not count: they change with every volume, and LVM reads none of its own.
  private let disks: [Substring]

  init(systemDirectory: String) {
    devicesFiles = DevicesFiles(systemDirectory: systemDirectory)
    // Numbers, size and name of each disk and partition, proc_partitions(5), without empty ones. If the file cannot be
    // read, no change can be seen.
    let lines = (try? Files.readText("/proc/partitions"))?.split(separator: "\n") ?? []
    disks = lines.filter { $0.split(separator: " ").last?.hasPrefix("dm-") == false }
  }
}

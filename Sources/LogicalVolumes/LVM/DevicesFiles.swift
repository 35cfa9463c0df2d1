internal import LinuxSystem

/// LVM's devices files (lvmdevices(8)) as they are at one moment.
///
/// The library reads them with a session's first command and never again (lvm2 2.03.16, `device_ids_read`). So a session is
/// opened anew, and what was read with it is read again, when they have changed.
struct DevicesFiles: Hashable, Sendable {
  private let stamps: [String: FileStamp]

  /// Looks at the files in `devices` of the LVM configuration in `systemDirectory`. Where they cannot be listed there are
  /// none, for the library neither.
  init(systemDirectory: String) {
    let directory = systemDirectory + "/devices"
    let names = ((try? Files.list(directory)) ?? []).filter { $0.hasSuffix(".devices") }
    var stamps: [String: FileStamp] = [:]
    for name in names { stamps[name] = FileStamp("\(directory)/\(name)") }
    self.stamps = stamps
  }
}

/// What LVM's view of a group depends on beside the group's own metadata.
struct Surroundings: Hashable, Sendable {
  private let devicesFiles: DevicesFiles
  /// A disk that comes can hold a copy of one of the group's, or another group of its name. Devices of the device mapper do
  /// not count: they come and go with every volume, and LVM looks into none of its own.
  private let disks: [Substring]

  init(systemDirectory: String) {
    devicesFiles = DevicesFiles(systemDirectory: systemDirectory)
    // Numbers, size and name of each disk and partition, proc_partitions(5); empty ones are left out. Nothing listed: nothing
    // can be seen to change.
    let lines = (try? Files.readText("/proc/partitions"))?.split(separator: "\n") ?? []
    disks = lines.filter { $0.split(separator: " ").last?.hasPrefix("dm-") == false }
  }
}

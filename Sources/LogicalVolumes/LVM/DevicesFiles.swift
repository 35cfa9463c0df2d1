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

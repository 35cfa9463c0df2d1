package import LinuxSystem
internal import StorageModel

/// The lanes: groups of calls that can hang together. A disk that does not answer blocks the threads of its own lanes
/// only.
extension LinuxNodeSystem {
  /// The kinds of work.
  enum Work: String {
    /// The mount table, directories of kubelet and of the daemon, bind mounts: work that needs no volume's disk.
    case table
    /// Reading or mounting a volume.
    case mount
    /// Unmounting, which writes to the disk.
    case unmount
    /// Checking the condition of file systems: at most one check per volume.
    case look
    /// mkfs, e2fsck and similar programs.
    case tool
  }

  /// Creates the lanes of a daemon. Threads are created when needed. 128 hanging mounts take 3 MiB.
  package static func lanes() -> WorkLanes {
    WorkLanes { lane in
      switch Work(rawValue: lane.work) {
      case .table?, nil: 32
      case .mount?, .unmount?: 128
      case .look?: 256
      case .tool?: 16
      }
    }
  }

  package var loads: [LaneLoad] {
    let now = MonotonicClock.now()
    return lanes.loads.map { entry in
      LaneLoad(
        work: entry.lane.work, group: entry.lane.group, limit: entry.limit, busy: entry.load.busy,
        waiting: entry.load.waiting, oldest: entry.load.busySince.map { now - $0 } ?? .zero)
    }
  }

  func pool(_ work: Work, _ device: String? = nil) -> WorkerPool {
    lanes[WorkLanes.Lane(work: work.rawValue, group: device.map { Self.group(ofDevice: $0) } ?? "")]
  }

  /// The group of devices that hang together: the volume group of a logical volume, all loop devices, or any other device
  /// alone.
  static func group(ofDevice device: String) -> String {
    if device.hasPrefix("/dev/mapper/") {
      return group(ofMapperName: String(device.dropFirst("/dev/mapper/".count)))
    }
    if device.hasPrefix("/dev/loop") { return "images" }
    return device.hasPrefix("/dev/") ? String(device.dropFirst("/dev/".count)) : "other"
  }

  /// The group in a name `group-volume` in which hyphens inside either part are doubled (lvm2 `dm_build_dm_name`).
  private static func group(ofMapperName name: String) -> String {
    var group = ""
    var rest = Array(name.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "-"), rest.popFirst() != UInt8(ascii: "-") { break }
      group.unicodeScalars.append(Unicode.Scalar(byte))
    }
    return group
  }
}

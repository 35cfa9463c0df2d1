internal import LinuxSystem
internal import StorageModel

/// A volume group as one report has shown it.
struct GroupState: Sendable {
  /// One logical volume.
  struct Volume: Sendable {
    var name: String
    var uuid: String
    var size: ByteCount
    /// `lv_layout`: `linear`, `striped`, `thin,sparse`, `thin,pool`, … (lvmreport(7)).
    var layout: String
    /// `lv_role`: `public`, `public,origin,thinorigin`, `private,…`.
    var role: String
    var pool: String
    var createdAt: Timestamp?
    var marks: StoredVolume.Marks?
    /// False if there are more tags than a report's row can contain. Whether the volume is ours is then unknown, so it
    /// is not changed.
    var areTagsKnown = true
    /// The name at creation, if the volume was renamed since. Such a volume belongs to no PV until it has its name
    /// back.
    var formerName: String?

    var isThin: Bool { !pool.isEmpty }

    /// Whether it takes exactly its size of the group, or space of a thin pool only. The effect of a change can then be
    /// computed from the command. A mirror takes its size on each disk, and more for its own records.
    var isPlainlyCounted: Bool { isThin || layout == "linear" }

    /// Whether it has thick snapshots. Thin snapshots are independent.
    var hasSnapshots: Bool { role.split(separator: ",").contains("thickorigin") }

    /// A plain volume with its own data, as the Go program and we create. An origin (a volume with snapshots) is plain;
    /// a snapshot, a thin pool or a part of another volume is not.
    var isPlain: Bool {
      let layouts = Set(layout.split(separator: ","))
      let roles = Set(role.split(separator: ","))
      let isKnownLayout = layouts.isSubset(of: ["linear", "striped", "thin", "sparse", "raid", "raid1", "mirror"])
      let isSnapshot = roles.contains("snapshot") || roles.contains("thinsnapshot")
      return areTagsKnown && formerName == nil && isKnownLayout && roles.contains("public") && !isSnapshot
    }

    /// A description for error messages.
    var kindDescription: String {
      "\(layout) volume (role \(role))" + (areTagsKnown ? "" : " with more tags than LVM's report holds")
        + (formerName.map { " that was created as \($0) and renamed" } ?? "")
    }
  }

  /// One physical volume.
  struct Disk: Sendable {
    /// `[unknown]` when it is missing.
    var path: String
    var uuid: String
    var free: ByteCount
    var isAllocatable: Bool
    var isMissing: Bool
  }

  var name: VolumeGroupName
  var uuid: String
  /// Increases with every change of the group's metadata.
  var sequence: UInt64
  var extentSize: ByteCount
  var size: ByteCount
  /// The space that LVM can allocate: free extents on present disks that allow allocation.
  var free: ByteCount
  /// Free extents on disks that do not allow allocation.
  var closed: ByteCount
  var metadataSize: ByteCount
  var metadataFree: ByteCount
  /// Paths of physical volumes that carry metadata.
  var metadataDevices: [String]
  var disks: [Disk]
  /// The paths of disks that LVM has found twice.
  var duplicateDisks: [String] = []
  var isExported: Bool
  var isReadOnly: Bool
  /// The number of volumes that count for ``volumeLimit``.
  var volumeCount: UInt64
  /// The largest number of volumes in the group; 0 for no limit (vgchange(8), `--maxlogicalvolumes`).
  var volumeLimit: UInt64
  var volumes: [String: Volume]

  /// Bytes that thick volumes of ours take in the group.
  var ours: ByteCount {
    volumes.values.reduce(.zero) { $1.marks != nil && !$1.isThin ? $0 + $1.size : $0 }
  }

  /// Sum of the virtual sizes of a thin pool's volumes, including foreign ones, which can fill it too.
  func virtualSize(ofPool pool: String) -> ByteCount {
    volumes.values.reduce(.zero) { $1.pool == pool ? $0 + $1.size : $0 }
  }
}

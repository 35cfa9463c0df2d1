internal import LinuxSystem
internal import StorageModel

/// A volume group as one report showed it.
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
    /// False when there are more tags than a report's row holds: it may or may not be ours, so it is left alone.
    var areTagsKnown = true
    /// The name it was made under, when it is no longer its name: somebody has renamed it. It is nobody's volume then,
    /// until it has its name back.
    var formerName: String?

    var isThin: Bool { !pool.isEmpty }

    /// Whether it takes of its group just its size, or just of a thin pool: so a change of it can be told from the command.
    /// A mirror takes its size on each disk, and more for its own records.
    var isPlainlyCounted: Bool { isThin || layout == "linear" }

    /// Whether thick snapshots hang on it. Thin ones live on their own.
    var hasSnapshots: Bool { role.split(separator: ",").contains("thickorigin") }

    /// A plain volume that holds data of its own: what the Go program made, and what we make. An origin (a volume with
    /// snapshots) still is one; a snapshot, a pool or a part of another volume is not.
    var isPlain: Bool {
      let layouts = Set(layout.split(separator: ","))
      let roles = Set(role.split(separator: ","))
      let isKnownLayout = layouts.isSubset(of: ["linear", "striped", "thin", "sparse", "raid", "raid1", "mirror"])
      let isSnapshot = roles.contains("snapshot") || roles.contains("thinsnapshot")
      return areTagsKnown && formerName == nil && isKnownLayout && roles.contains("public") && !isSnapshot
    }

    /// What an error message calls it.
    var kindDescription: String {
      "\(layout) volume (role \(role))" + (areTagsKnown ? "" : " with more tags than LVM's report holds")
        + (formerName.map { " that was made as \($0) and renamed" } ?? "")
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
  /// Goes up with every change of the group's metadata.
  var sequence: UInt64
  var extentSize: ByteCount
  var size: ByteCount
  /// What LVM can allocate: the free extents of disks that are there and may be allocated from.
  var free: ByteCount
  /// Free extents of disks that may not be allocated from.
  var closed: ByteCount
  var metadataSize: ByteCount
  var metadataFree: ByteCount
  /// Paths of physical volumes that carry metadata.
  var metadataDevices: [String]
  var disks: [Disk]
  /// Disks of which LVM found a copy, by path.
  var duplicateDisks: [String] = []
  var isExported: Bool
  var isReadOnly: Bool
  /// Volumes that count for ``volumeLimit``.
  var volumeCount: UInt64
  /// The most volumes that the group allows; 0 for any number (vgchange(8), `--maxlogicalvolumes`).
  var volumeLimit: UInt64
  var volumes: [String: Volume]

  /// Bytes of the group that thick volumes of ours take.
  var ours: ByteCount {
    volumes.values.reduce(.zero) { $1.marks != nil && !$1.isThin ? $0 + $1.size : $0 }
  }

  /// Sum of the virtual sizes of a pool's volumes, foreign ones too: they can fill it as well.
  func virtualSize(ofPool pool: String) -> ByteCount {
    volumes.values.reduce(.zero) { $1.pool == pool ? $0 + $1.size : $0 }
  }
}

internal import StorageModel

/// Why a volume group cannot be used, or why no volume can be created in it.
package struct GroupTrouble: Sendable, Hashable {
  /// The reasons, by their names in metrics.
  package enum Reason: String, Sendable, Hashable, CaseIterable {
    /// LVM shows no group of this name.
    case missing
    /// LVM shows the group but cannot read it.
    case unreadable
    /// Another LVM command has held the group's lock for long.
    case locked
    /// The group carries the system ID of another host (lvmsystemid(7)).
    case foreign
    /// Several groups have this name, and it is not known which one is meant.
    case duplicate
    /// The group has the name, but not the UUID, of the group that was served before.
    case replaced
    /// The group is exported (vgexport(8)).
    case exported
    /// Disks of the group are missing.
    case incomplete
    /// LVM finds a disk of the group twice, because there is a copy.
    case duplicateDisk
    /// The group's metadata mark it as read-only.
    case readOnly
    /// All free extents are on disks that do not allow allocation (pvchange(8), `-x n`).
    case notAllocatable
    /// The group has as many volumes as it allows (vgchange(8), `--maxlogicalvolumes`).
    case volumeLimit
    /// The metadata area has no space for another volume.
    case metadataFull
    /// The configured thin pool does not exist, or is not a thin pool.
    case noThinPool
  }

  package var reason: Reason
  /// The group, what was found, and what to do.
  package var message: String

  package init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }

  /// The error of a call that needs the group.
  var error: VolumeError { VolumeError(.unavailable, message) }
}

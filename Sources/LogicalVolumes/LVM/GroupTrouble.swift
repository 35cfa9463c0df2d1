internal import StorageModel

/// Why a volume group cannot be used, or can make no volumes.
package struct GroupTrouble: Sendable, Hashable {
  /// The kinds, as metrics name them.
  package enum Reason: String, Sendable, Hashable, CaseIterable {
    /// LVM shows no group of that name.
    case missing
    /// LVM shows the group and cannot read it.
    case unreadable
    /// Another LVM command has held the group's lock for long.
    case locked
    /// The group carries the system ID of another host (lvmsystemid(7)).
    case foreign
    /// Several groups have the name, and nothing tells which is meant.
    case duplicate
    /// The group has the name and not the UUID of the one that was served before.
    case replaced
    /// The group is exported (vgexport(8)).
    case exported
    /// Disks of the group are missing.
    case incomplete
    /// A disk of the group is there twice, as a copy is.
    case duplicateDisk
    /// The group's metadata say that it is read-only.
    case readOnly
    /// All free extents are on disks that may not be allocated from (pvchange(8), `-x n`).
    case notAllocatable
    /// The group holds as many volumes as it allows (vgchange(8), `--maxlogicalvolumes`).
    case volumeLimit
    /// The metadata area has no place for another volume.
    case metadataFull
    /// The thin pool of the settings is not there, or is no thin pool.
    case noThinPool
  }

  package var reason: Reason
  /// What was found on which group, and what to do.
  package var message: String

  package init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }

  /// The failure of a call that needs the group.
  var error: VolumeError { VolumeError(.unavailable, message) }
}

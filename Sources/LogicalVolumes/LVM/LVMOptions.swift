package import StorageModel

/// The options of the LVM engine.
package struct LVMOptions: Sendable {
  /// The groups of volumes. The first is used for volumes that name none.
  package var groups: [VolumeGroupName]
  /// The thin pool; nil for thick volumes.
  package var thinPool: VolumeName?
  /// The limit of a thin pool's virtual sizes as a multiple of its size. 1 means no overcommitment.
  package var thinOverprovision: Double
  /// The directory of our LVM configuration, archives and backups.
  package var systemDirectory: String
  package var udev: UdevUse

  package init(
    groups: [VolumeGroupName], thinPool: VolumeName? = nil, thinOverprovision: Double = 1, systemDirectory: String,
    udev: UdevUse = .auto
  ) {
    self.groups = groups
    self.thinPool = thinPool
    self.thinOverprovision = thinOverprovision
    self.systemDirectory = systemDirectory
    self.udev = udev
  }
}

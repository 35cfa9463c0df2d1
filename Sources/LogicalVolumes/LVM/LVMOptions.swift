package import StorageModel

/// What the LVM engine works with.
package struct LVMOptions: Sendable {
  /// The groups volumes may live in; the first is the one for volumes that do not name theirs.
  package var groups: [VolumeGroupName]
  /// Thin volumes from the pool of this name when given, thick ones otherwise.
  package var thinPool: VolumeName?
  /// How many times its size a thin pool may be promised. 1 promises no more than is there.
  package var thinOverprovision: Double
  /// Where our LVM configuration, archives and backups live.
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

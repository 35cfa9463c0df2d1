package import StorageModel

/// What the service knows of a door: the mounts that are made through it.
package protocol Door: Sendable {
  /// The directories below kubelet's root that contain its targets, component by component.
  var targetDirectories: [[String]] { get }

  /// Whether a mount is the volume's by its path alone. Such a mount counts even if its device is no longer known.
  func claims(_ mountPoint: String, for volume: VolumeName) -> Bool

  /// Whether a mount is at a pod's directory for the volume.
  func isPodDirectory(_ mountPoint: String, of volume: VolumeName) -> Bool

  /// The target at which this door mounts the volume's device once for the whole node; nil if it does not.
  func deviceTarget(of volume: VolumeName) -> PublishTarget?
}

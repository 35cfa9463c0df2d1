package import StorageModel

/// A way by which others ask for volumes, as far as the service has to know it: which mounts are made through it.
package protocol Door: Sendable {
  /// The directories below kubelet's root in which its targets lie, component by component.
  var targetDirectories: [[String]] { get }

  /// Whether a mount is by its place alone one of the volume's. It counts as such although its device is not known any more.
  func claims(_ mountPoint: String, for volume: VolumeName) -> Bool

  /// Whether a mount is at a directory of a pod's for the volume.
  func isPodDirectory(_ mountPoint: String, of volume: VolumeName) -> Bool

  /// Where the volume's device itself is mounted for the whole node, where that is done through this door; nil where it is
  /// not.
  func deviceTarget(of volume: VolumeName) -> PublishTarget?
}

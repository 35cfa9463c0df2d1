internal import LinuxSystem
internal import StorageModel

/// The storage of a ``RecordedEngine``: the part in which image files and directories differ.
///
/// All calls block for the disk and throw ``VolumeError``. Only the engine's actor calls them.
protocol RecordedStorage: Sendable {
  static var kind: EngineKind { get }
  /// Sizes are rounded up to a multiple of this.
  static var unit: ByteCount { get }
  /// The name for a volume of this kind in messages.
  static var noun: String { get }

  init(directory: String)

  /// Creates missing directories and finishes interrupted steps. Called before any other method.
  func prepare() throws(VolumeError)
  func isPresent(_ name: VolumeName) throws(VolumeError) -> Bool
  /// The volume's size. `recorded` is the size in its record.
  func size(of name: VolumeName, recorded: ByteCount) throws(VolumeError) -> ByteCount
  /// Bytes on the disk that are known to be this volume's.
  func written(by name: VolumeName) throws(VolumeError) -> ByteCount
  /// What to mount, and whether it can be mounted now.
  func location(of name: VolumeName) throws(VolumeError) -> (location: StoredVolume.Location, isActive: Bool)

  func make(_ name: VolumeName, size: ByteCount) throws(VolumeError)
  /// Makes the volume's size, and its users' view of it, at least `size`.
  func grow(_ name: VolumeName, to size: ByteCount) throws(VolumeError)
  func activate(_ name: VolumeName) throws(VolumeError)
  func detach(_ name: VolumeName) throws(VolumeError)
  /// Removes the volume from view in one step: after a crash it is complete or gone.
  func putAway(_ name: VolumeName, instance: String) throws(VolumeError)
  /// Frees the space that ``putAway(_:instance:)`` has left.
  func discard(_ name: VolumeName, instance: String) throws(VolumeError)
}

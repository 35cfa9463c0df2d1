internal import LinuxSystem
internal import StorageModel

/// Where a ``RecordedEngine`` keeps the contents of its volumes: the part in which image files and directories differ.
///
/// All of it blocks on the disk; the engine's actor is the only caller.
protocol RecordedStorage: Sendable {
  static var kind: EngineKind { get }
  /// Sizes are rounded up to a multiple of this.
  static var unit: ByteCount { get }
  /// What a volume of this kind is called in messages.
  static var noun: String { get }

  init(directory: String)

  /// Makes what is missing and finishes what a crash interrupted. Before any other call.
  func prepare() throws(VolumeError)
  func isPresent(_ name: VolumeName) throws(VolumeError) -> Bool
  /// The volume's size, `recorded` being what its record says.
  func size(of name: VolumeName, recorded: ByteCount) throws(VolumeError) -> ByteCount
  /// Bytes on the disk that can be told to be this volume's.
  func written(by name: VolumeName) throws(VolumeError) -> ByteCount
  /// What there is to mount, and whether it can be mounted now.
  func location(of name: VolumeName) throws(VolumeError) -> (location: StoredVolume.Location, isActive: Bool)

  func make(_ name: VolumeName, size: ByteCount) throws(VolumeError)
  /// Makes the volume's size, and what users see of it, at least `size`.
  func grow(_ name: VolumeName, to size: ByteCount) throws(VolumeError)
  func activate(_ name: VolumeName) throws(VolumeError)
  func detach(_ name: VolumeName) throws(VolumeError)
  /// Makes the volume disappear in one step: after a crash it is there as a whole or not at all.
  func putAway(_ name: VolumeName, instance: String) throws(VolumeError)
  /// Frees what ``putAway(_:instance:)`` has left.
  func discard(_ name: VolumeName, instance: String) throws(VolumeError)
}

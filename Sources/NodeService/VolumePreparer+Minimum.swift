internal import LogicalVolumes
internal import StorageModel

extension VolumePreparer {
  /// Refuses a volume on which mkfs would fail, before the volume is created. Otherwise each attempt would change the
  /// LVM group twice, and push two archives out that a recovery needs.
  ///
  /// - Throws: `invalid` if the size, rounded up by the engine, is too small.
  func requireFileSystemFits(
    _ name: VolumeName, _ size: ByteCount, _ options: VolumeOptions
  ) async throws(VolumeError) {
    let minimum = options.minimumSize
    // A directory is part of an existing file system.
    guard size < minimum, engine.kind != .directory else { return }
    let groups = try await engine.capacity()
    let group = groups.first { $0.group == options.deviceClass.group?.text } ?? groups.first
    let made = size.roundedUp(to: ByteCount(max(1, group?.extentBytes ?? 1))) ?? size
    guard made < minimum else { return }
    throw VolumeError(
      .invalid,
      "volume \(name) of \(made) is too small for \(options.fileSystemToMake.rawValue), which needs \(minimum); nothing was "
        + "created. Request more, or another file system")
  }
}

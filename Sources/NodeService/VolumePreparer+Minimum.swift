internal import LogicalVolumes
internal import StorageModel

extension VolumePreparer {
  /// Refuses a volume on which mkfs would fail, before anything is made: each attempt would cost LVM two changes of the group,
  /// and push two of the archives out that a recovery needs.
  ///
  /// - Throws: `invalid` when the volume would be too small with the size that the engine rounds it up to.
  func requireFileSystemFits(
    _ name: VolumeName, _ size: ByteCount, _ options: VolumeOptions
  ) async throws(VolumeError) {
    let minimum = options.minimumSize
    // A directory has the file system that it lies in.
    guard size < minimum, engine.kind != .directory else { return }
    let groups = try await engine.capacity()
    let group = groups.first { $0.group == options.deviceClass.group?.text } ?? groups.first
    let made = size.roundedUp(to: ByteCount(max(1, group?.extentBytes ?? 1))) ?? size
    guard made < minimum else { return }
    throw VolumeError(
      .invalid,
      "volume \(name) of \(made) is too small for \(options.fileSystemToMake.rawValue), which needs \(minimum); nothing was "
        + "made. Ask for more, or for another file system")
  }
}

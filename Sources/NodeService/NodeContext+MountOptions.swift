internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel

extension NodeContext {
  /// Checks that the engine's volumes can be mounted with these options. A directory is bind mounted, so only per-mount
  /// options are possible.
  ///
  /// - Throws: `invalid` with the options.
  func requireHoldable(_ options: MountOptions) throws(VolumeError) {
    guard engine.kind == .directory, !options.notPerMount.isEmpty else { return }
    let names = options.notPerMount.map { quoted($0) }.joined(separator: ", ")
    throw VolumeError(
      .invalid,
      "mountOptions: \(names) are not supported with engine \"directory\", whose volumes have no file system of their own; "
        + "allowed are \(MountOptions.perMount.joined(separator: " "))")
  }
}

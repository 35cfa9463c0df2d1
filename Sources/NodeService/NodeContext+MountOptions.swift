internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel

extension NodeContext {
  /// Requires that the engine's volumes can be mounted with these options. A directory is bound: what a bind mount has for
  /// itself is all that there is.
  ///
  /// - Throws: `invalid` naming the options.
  func requireHoldable(_ options: MountOptions) throws(VolumeError) {
    guard engine.kind == .directory, !options.notPerMount.isEmpty else { return }
    let names = options.notPerMount.map { quoted($0) }.joined(separator: ", ")
    throw VolumeError(
      .invalid,
      "mountOptions: \(names) are not supported with engine \"directory\", whose volumes are no file systems of their own; "
        + "allowed are \(MountOptions.perMount.joined(separator: " "))")
  }
}

package import KeptVolumes

/// How the provisioner reaches kept volumes.
package struct KeptAccess: Sendable {
  let writes: any KeptVolumeWrites
  let isCondemned: @Sendable (KeptVolume) async -> Bool

  /// - Parameter isCondemned: whether a volume's last claim went with the word that its data is to be deleted.
  package init(
    writes: any KeptVolumeWrites, isCondemned: @escaping @Sendable (KeptVolume) async -> Bool
  ) {
    self.writes = writes
    self.isCondemned = isCondemned
  }
}

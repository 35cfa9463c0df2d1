package import KeptVolumes

/// The provisioner's access to kept volumes: requests about them, and what their keeper knows.
package struct KeptAccess: Sendable {
  let writes: any KeptVolumeWrites
  let isCondemned: @Sendable (KeptVolume) async -> Bool

  /// - Parameter isCondemned: returns whether a volume's last claim was deleted with a deletion request, see
  ///   ``KeptVolumeKeeper/isCondemned(_:)``.
  package init(
    writes: any KeptVolumeWrites, isCondemned: @escaping @Sendable (KeptVolume) async -> Bool
  ) {
    self.writes = writes
    self.isCondemned = isCondemned
  }
}

package import LinuxSystem
package import LogicalVolumes
package import StorageModel

/// The result of reading the mount table once.
package struct MountView: Sendable {
  package let table: MountTable
  /// All mounts of each requested volume, in the order of the request.
  package let volumes: [[MountEntry]]

  package init(table: MountTable, volumes: [[MountEntry]]) {
    self.table = table
    self.volumes = volumes
  }

  /// All mounts of the first requested volume.
  var ofVolume: [MountEntry] { volumes.first ?? [] }

  /// The visible mount at exactly this path; nil if nothing is mounted there.
  package func top(at path: String) -> MountEntry? { table.at(path).last }
}

extension NodeSystem {
  /// The visible mount at exactly this path; nil if nothing is mounted there. Reads the mount table.
  ///
  /// - Throws: ``VolumeError`` if the mount table cannot be read.
  package func top(at path: String) async throws(VolumeError) -> MountEntry? {
    try await mountView(of: []).top(at: path)
  }

  /// All mounts of a volume. Reads the mount table.
  ///
  /// - Throws: ``VolumeError`` if the mount table cannot be read.
  package func mounts(of location: StoredVolume.Location) async throws(VolumeError) -> [MountEntry] {
    try await mountView(of: [location]).ofVolume
  }
}

package import LinuxSystem
package import LogicalVolumes
package import StorageModel

/// What one look at the mount table shows.
package struct MountView: Sendable {
  package let table: MountTable
  /// Every mount of each volume that was asked about, wherever it is, in the order of the question.
  package let volumes: [[MountEntry]]

  package init(table: MountTable, volumes: [[MountEntry]]) {
    self.table = table
    self.volumes = volumes
  }

  /// Every mount of the volume that was asked about.
  var ofVolume: [MountEntry] { volumes.first ?? [] }

  /// What is visible at exactly this path; nil where nothing is mounted.
  package func top(at path: String) -> MountEntry? { table.at(path).last }
}

extension NodeSystem {
  /// What is visible at exactly this path; nil where nothing is mounted.
  package func top(at path: String) async throws(VolumeError) -> MountEntry? { try await look(at: []).top(at: path) }

  /// Every mount of a volume, wherever it is.
  package func mounts(of location: StoredVolume.Location) async throws(VolumeError) -> [MountEntry] {
    try await look(at: [location]).ofVolume
  }
}

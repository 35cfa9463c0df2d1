package import StorageModel

extension NodeContext {
  /// Volumes whose creation was interrupted and has not been settled. Reads the permits, which blocks for the disk.
  ///
  /// - Throws: ``VolumeError`` if the permits cannot be read.
  package func interruptedCreations() throws(VolumeError) -> [VolumeName] {
    let working = Set(locks.runs.map(\.volume))
    return try permits.volumes().filter { !working.contains($0) }
  }
}

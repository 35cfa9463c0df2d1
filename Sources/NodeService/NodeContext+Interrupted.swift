package import StorageModel

extension NodeContext {
  /// Volumes whose creation was begun, is not finished, and is not being worked on. Reads the permits: blocks on the disk.
  package func interruptedCreations() throws(VolumeError) -> [VolumeName] {
    let working = Set(locks.runs.map(\.volume))
    return try permits.volumes().filter { !working.contains($0) }
  }
}

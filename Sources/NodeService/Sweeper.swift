internal import LogicalVolumes
internal import StorageModel

/// Takes down what nobody uses any more: what a crash or a lost call left.
struct Sweeper: Sendable {
  let context: NodeContext

  /// Undoes creations that were interrupted. At start, before any call is served: no creation can be going on.
  func undoInterruptedCreations() async throws(VolumeError) {
    for permit in try context.permits.all() {
      try await context.locks.withLock(permit.volume) { () async throws(VolumeError) in
        try await VolumePreparer(context: context).undoInterruptedCreation(of: permit.volume)
      }
    }
  }

  /// Unstages volumes without a user. A failure is logged and met again by the next sweep.
  func sweepStaging() async throws(VolumeError) {
    for name in try await context.system.directories(in: context.settings.stagingDirectory) {
      guard let volume = try? VolumeName(name) else {
        context.log.warning("staging directory has an entry that is no volume", ["entry": name])
        continue
      }
      do throws(VolumeError) {
        try await context.locks.withLock(volume) { () async throws(VolumeError) in
          try await Stager(context: context).unstageIfUnused(volume)
        }
      } catch {
        context.log.warning("volume can not be unstaged yet", ["volume": name, "reason": error.message])
      }
    }
  }
}

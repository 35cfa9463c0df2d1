internal import LogicalVolumes
package import StorageModel
internal import Telemetry

/// Cleans up after crashes and lost calls: unused mounts and interrupted creations.
package struct Sweeper: Sendable {
  private let context: NodeContext

  package init(context: NodeContext) { self.context = context }

  /// Settles interrupted creations at start, before any call is served, when no creation can be in progress.
  ///
  /// If one cannot be settled, this is logged and other volumes are served. Calls for its volume try again, or are
  /// refused with the reason.
  ///
  /// - Throws: ``VolumeError`` if the permits cannot be listed.
  package func settleInterruptedCreations() async throws(VolumeError) {
    for name in try context.permits.volumes() {
      do throws(VolumeError) {
        try await context.withLock(name) { () async throws(VolumeError) in
          try await VolumePreparer(context: context).settleInterruptedCreation(of: name)
        }
      } catch {
        context.log.error("interrupted creation cannot be undone", ["volume": name.text, "reason": error.message])
      }
    }
  }

  /// Unstages volumes without a user. A failure is logged, and the next sweep tries again.
  ///
  /// - Throws: ``VolumeError`` if the staging directory cannot be listed.
  package func sweepStaging() async throws(VolumeError) {
    for name in try await context.system.directories(in: context.configuration.stagingDirectory) {
      guard let volume = try? VolumeName(name) else {
        context.log.warning("staging directory has an entry that is not a volume", ["entry": name])
        continue
      }
      do throws(VolumeError) {
        try await context.withLock(volume, whileBusy: { _ in () }) { () async throws(VolumeError) in
          try await Stager(context: context).unstageIfUnused(volume)
        }
      } catch {
        context.log.warning("volume cannot be unstaged yet", ["volume": name, "reason": error.message])
      }
    }
  }
}

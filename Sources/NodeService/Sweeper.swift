internal import LogicalVolumes
package import StorageModel
internal import Telemetry

/// Takes down what nobody uses any more: what a crash or a lost call left.
package struct Sweeper: Sendable {
  private let context: NodeContext

  package init(context: NodeContext) { self.context = context }

  /// Undoes creations that were interrupted. At start, before any call is served: no creation can be going on.
  ///
  /// One that cannot be undone is logged and keeps nobody else from being served: calls for that volume try again, or
  /// are refused with the reason.
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

  /// Unstages volumes without a user. A failure is logged and met again by the next sweep.
  package func sweepStaging() async throws(VolumeError) {
    for name in try await context.system.directories(in: context.configuration.stagingDirectory) {
      guard let volume = try? VolumeName(name) else {
        context.log.warning("staging directory has an entry that is no volume", ["entry": name])
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

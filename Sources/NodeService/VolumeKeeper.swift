package import LinuxSystem
package import LogicalVolumes
package import StorageModel

/// What the node's reconciler asks of the service: volumes made ahead of kubelet, kept and removed, by the same code and
/// under the same locks as the calls of kubelet.
package struct VolumeKeeper: Sendable {
  private let context: NodeContext

  package init(_ context: NodeContext) { self.context = context }

  /// Makes the volume and its file system if they are not there yet, and mounts nothing. A failure leaves nothing behind.
  ///
  /// - Parameter values: the options as a call of kubelet would carry them.
  /// - Returns: the volume's instance.
  package func prepare(_ name: VolumeName, _ values: [String: String]) async throws(VolumeError) -> String {
    let options = try VolumeOptions(values)
    try context.requireHoldable(options)
    // Kubelet's calls are what pods wait for: the reconciler is told soon what goes on, and tells others.
    let context = context.answering(within: min(.seconds(10), context.settings.callPatience))
    return try await context.withLock(name) { () async throws(VolumeError) in
      let preparer = VolumePreparer(context: context)
      var instance = ""
      try await withRollback { rollback async throws(VolumeError) in
        let volume = try await preparer.ensureVolume(name, options, willFormat: true, &rollback)
        // One that is mounted needs no look into its device.
        if try await context.system.mounts(of: volume.location).isEmpty {
          _ = try await preparer.ensureFileSystem(on: volume, options, &rollback)
        }
        instance = volume.instance
      }
      return instance
    }
  }

  /// The instance of a volume of ours; nil when there is none.
  package func instance(of name: VolumeName) async throws(VolumeError) -> String? {
    guard let volume = try await context.engine.volume(name), volume.marks != nil else { return nil }
    return volume.instance
  }

  /// The instance of a volume of ours that is whole. Nil when there is none, and while one is being created: a failure would
  /// remove it again. Waits for whoever works on the volume.
  package func createdInstance(of name: VolumeName) async throws(VolumeError) -> String? {
    let context = context.answering(within: min(.seconds(10), context.settings.callPatience))
    return try await context.withLock(name) { () async throws(VolumeError) in
      guard let volume = try await context.engine.volume(name), let marks = volume.marks else { return nil }
      // Left of a creation that failed or was interrupted: the next call settles it.
      if let permit = try context.permits.permit(for: name), permit.creation == marks.creation { return nil }
      return volume.instance
    }
  }

  /// Removes the volume of a PV that is being deleted for good. The PV itself proves that it is no volume whose PV cannot be
  /// seen yet, so its age does not count; everything else is proven as ever.
  ///
  /// - Parameters:
  ///   - instance: which volume the PV records. Another one of the name is kept.
  ///   - confirm: called last before the removal, which may have waited for long; what it throws keeps the volume.
  /// - Throws: `inUse` while it is mounted, `unsafe` when it is retained or another instance.
  package func remove(
    _ name: VolumeName, instance: String, confirming confirm: @escaping @Sendable () async throws(VolumeError) -> Void
  ) async throws(VolumeError) {
    _ = try await Reclaimer(context: context).remove(name, .recorded(instance), confirming: confirm)
  }

  /// The same for a PV that records no instance: the volume's tag has to name the claim.
  package func remove(
    _ name: VolumeName, claim: ClaimUID, confirming confirm: @escaping @Sendable () async throws(VolumeError) -> Void
  ) async throws(VolumeError) {
    _ = try await Reclaimer(context: context).remove(name, .madeFor(claim), confirming: confirm)
  }

  /// Marks the volume as one to keep. No such volume is fine.
  package func retain(_ name: VolumeName) async throws(VolumeError) {
    do throws(VolumeError) {
      try await Reclaimer(context: context).setRetained(name, true)
    } catch {
      guard error.code == .notFound else { throw error }
    }
  }

  /// All volumes of ours, by name.
  package func volumes() async throws(VolumeError) -> [StoredVolume] { try await context.engine.volumes() }

  /// What the kernel holds against volumes that are staged. May take as long as a disk takes to answer.
  package func complaints() async throws(VolumeError) -> [VolumeName: FileSystemComplaint] {
    try await VolumeConditions(context: context).complaints()
  }

  /// A program that works on a volume.
  package struct LongWork: Sendable, Hashable {
    package let volume: VolumeName
    /// When it began.
    package let startedAt: String
    package let seconds: Int
    /// What it does, for how long, and how far it is.
    package let words: String
  }

  /// The programs that have been working on volumes for longer than a call is short.
  package var longWork: [LongWork] {
    context.locks.runs.filter { $0.age > .seconds(30) }.map {
      LongWork(
        volume: $0.volume, startedAt: $0.startedAt, seconds: Int($0.age.components.seconds), words: $0.words)
    }
  }

  /// The volume of that name, ours or not.
  package func volume(_ name: VolumeName) async throws(VolumeError) -> StoredVolume? {
    try await context.engine.volume(name)
  }

  package func capacity() async throws(VolumeError) -> [GroupCapacity] { try await context.engine.capacity() }
}

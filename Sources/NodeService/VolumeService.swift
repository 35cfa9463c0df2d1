package import LinuxSystem
package import LogicalVolumes
package import StorageModel

/// The volumes of this node. All creation, mounts, growth and removal of volumes go through it, under its locks.
///
/// It knows no door. A door turns the calls of its protocol into a ``VolumeRequest`` and a ``PublishTarget``.
package struct VolumeService: Sendable {
  package let context: NodeContext
  var preparer: VolumePreparer { VolumePreparer(context: context) }
  var stager: Stager { Stager(context: context) }

  package init(_ context: NodeContext) { self.context = context }
}

// MARK: - Volumes ahead of their mount

extension VolumeService {
  /// Ensures that the volume exists, and returns its device. Does not format it; the first mount does.
  ///
  /// - Throws: `invalid` where the node's volumes are no devices.
  package func attach(_ request: VolumeRequest) async throws(VolumeError) -> String {
    let name = request.name
    return try await context.withLock(name) { () async throws(VolumeError) in
      try checkCancellation(name)
      return try await withRollback { rollback async throws(VolumeError) in
        let volume = try await preparer.ensureVolume(request, willFormat: false, &rollback)
        guard case .device(let device) = volume.location else {
          throw VolumeError(
            .invalid,
            "volume \(name) is a directory: engine \"\(context.engine.kind.rawValue)\" has no devices to attach; install "
              + "the client without --attach")
        }
        try checkCancellation(name)
        return device
      }
    }
  }

  /// Makes the volume and its file system if they are not there yet, and mounts nothing. A failure leaves nothing behind.
  ///
  /// - Returns: the volume's instance.
  package func prepare(_ request: VolumeRequest) async throws(VolumeError) -> String {
    try context.requireHoldable(request.options.mountOptions)
    // Calls of pods are what is waited for: the reconciler is told soon what goes on, and tells others.
    let context = context.answering(within: min(.seconds(10), context.configuration.callPatience))
    return try await context.withLock(request.name) { () async throws(VolumeError) in
      let preparer = VolumePreparer(context: context)
      return try await withRollback { rollback async throws(VolumeError) in
        let volume = try await preparer.ensureVolume(request, willFormat: true, &rollback)
        // One that is mounted needs no look into its device.
        if try await context.system.mounts(of: volume.location).isEmpty {
          _ = try await preparer.ensureFileSystem(on: volume, request.options, &rollback)
        }
        return volume.instance
      }
    }
  }

  /// Grows the volume and its file system to at least `size`, while it is in use. Never shrinks.
  ///
  /// - Parameter target: where its user has it.
  package func expand(at target: PublishTarget, to size: ByteCount) async throws(VolumeError) {
    try await Expander(context: context).expand(target, to: size)
  }
}

// MARK: - Their end

extension VolumeService {
  /// On whose word a volume is removed, and which volume that word is about.
  package enum Warrant: Sendable {
    /// An operator's, who may name the claim that the volume was made for. A volume's age counts.
    case byHand(ClaimUID?)
    /// A PV's that is being deleted and records this instance. The PV itself proves that it is no volume whose PV cannot be
    /// seen yet, so its age does not count; everything else is proven as ever.
    case recorded(String)
    /// A PV's that is being deleted and records none; the volume's tag has to name its claim.
    case madeFor(ClaimUID)
  }

  /// Removes the volume for good: its data is gone afterwards. No such volume is success.
  ///
  /// - Parameter confirm: called last before the removal, which may have waited for long; what it throws keeps the volume.
  /// - Returns: whether there was one.
  /// - Throws: `inUse` while it is mounted, `unsafe` when it is retained or another one.
  package func remove(
    _ name: VolumeName, _ warrant: Warrant,
    confirming confirm: @escaping @Sendable () async throws(VolumeError) -> Void = { () async throws(VolumeError) in }
  ) async throws(VolumeError) -> Bool {
    try await Reclaimer(context: context).remove(name, warrant, confirming: confirm).isChange
  }

  /// Sets or clears the mark that keeps a volume from being removed.
  ///
  /// - Throws: `notFound` where there is none.
  package func setRetained(_ name: VolumeName, _ isRetained: Bool) async throws(VolumeError) {
    try await Reclaimer(context: context).setRetained(name, isRetained)
  }
}

// MARK: - Looking

extension VolumeService {
  /// The volume of that name, ours or not.
  package func volume(_ name: VolumeName) async throws(VolumeError) -> StoredVolume? {
    try await context.engine.volume(name)
  }

  /// The instance of a volume of ours; nil when there is none.
  package func instance(of name: VolumeName) async throws(VolumeError) -> String? {
    guard let volume = try await volume(name), volume.marks != nil else { return nil }
    return volume.instance
  }

  /// The instance of a volume of ours that is whole. Nil when there is none, and while one is being created: a failure would
  /// remove it again. Waits for whoever works on the volume.
  ///
  /// - Throws: `inProgress` when somebody works on it for longer than ten seconds.
  package func createdInstance(of name: VolumeName) async throws(VolumeError) -> String? {
    let context = context.answering(within: min(.seconds(10), context.configuration.callPatience))
    return try await context.withLock(name) { () async throws(VolumeError) in
      guard let volume = try await context.engine.volume(name), let marks = volume.marks else { return nil }
      // Left of a creation that failed or was interrupted: the next call settles it.
      if let permit = try context.permits.permit(for: name), permit.creation == marks.creation { return nil }
      return volume.instance
    }
  }

  /// All volumes of ours, by name.
  package func volumes() async throws(VolumeError) -> [StoredVolume] { try await context.engine.volumes() }

  package func capacity() async throws(VolumeError) -> [GroupCapacity] { try await context.engine.capacity() }

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
}

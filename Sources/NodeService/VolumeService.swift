package import LinuxSystem
package import LogicalVolumes
package import StorageModel

/// The volumes of this node. All creation, mounts, growth and removal of volumes go through this type and its locks.
///
/// It does not depend on a door. A door converts the calls of its protocol to a ``VolumeRequest`` and a
/// ``PublishTarget``. All methods throw ``VolumeError``. None blocks the cooperative pool, but each may wait for a
/// disk, for the volume's lock or for a program.
package struct VolumeService: Sendable {
  package let context: NodeContext
  var preparer: VolumePreparer { VolumePreparer(context: context) }
  var stager: Stager { Stager(context: context) }

  package init(_ context: NodeContext) { self.context = context }
}

// MARK: - Volumes before their mount

extension VolumeService {
  /// Ensures that the volume exists, and returns its device. Does not format it; the first mount does.
  ///
  /// - Throws: `invalid` if the node's volumes are directories without devices.
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

  /// Creates the volume and its file system if they do not exist, without mounting it. A failure leaves nothing behind.
  ///
  /// - Returns: the volume's instance.
  /// - Throws: `inProgress` if a program runs longer than ten seconds, and the errors of a creation.
  package func prepare(_ request: VolumeRequest) async throws(VolumeError) -> String {
    try context.requireHoldable(request.options.mountOptions)
    // Calls of pods may wait long. The reconciler gets an answer soon, and reports a running program.
    let context = context.answering(within: min(.seconds(10), context.configuration.callPatience))
    return try await context.withLock(request.name) { () async throws(VolumeError) in
      let preparer = VolumePreparer(context: context)
      return try await withRollback { rollback async throws(VolumeError) in
        let volume = try await preparer.ensureVolume(request, willFormat: true, &rollback)
        // If the volume is mounted, its device need not be probed.
        if try await context.system.mounts(of: volume.location).isEmpty {
          _ = try await preparer.ensureFileSystem(on: volume, request.options, &rollback)
        }
        return volume.instance
      }
    }
  }

  /// Grows the volume and its file system to at least `size`, while in use. Never shrinks.
  ///
  /// - Parameter target: where the volume's user has it mounted.
  /// - Throws: `notFound` if the volume does not exist, `noSpace` if it cannot grow, `inProgress` if a program runs
  ///   longer than the call.
  package func expand(at target: PublishTarget, to size: ByteCount) async throws(VolumeError) {
    try await Expander(context: context).expand(target, to: size)
  }
}

// MARK: - Removal

extension VolumeService {
  /// Who requests a removal, and what proves that it is about this volume.
  package enum Warrant: Sendable {
    /// An operator, who may name the claim that the volume was created for. The volume's age counts.
    case byHand(ClaimUID?)
    /// A PV that is being deleted and records this instance. The PV exists, so this is not a volume whose PV is not visible
    /// yet, and the age does not count. All other proofs are required.
    case recorded(String)
    /// A PV that is being deleted and records no instance. The volume's tag must name the PV's claim.
    case createdFor(ClaimUID)
  }

  /// Removes the volume for good; its data is gone afterwards. A volume that does not exist is success.
  ///
  /// - Parameter confirm: called last before the removal, which may have waited for long. If it throws, the volume is
  ///   kept.
  /// - Returns: whether the volume existed.
  /// - Throws: `inUse` while the volume is mounted, `unsafe` if it is retained or another instance.
  package func remove(
    _ name: VolumeName, _ warrant: Warrant,
    confirming confirm: @escaping @Sendable () async throws(VolumeError) -> Void = { () async throws(VolumeError) in }
  ) async throws(VolumeError) -> Bool {
    try await Reclaimer(context: context).remove(name, warrant, confirming: confirm).isChange
  }

  /// Sets or clears the retained mark, which forbids removal.
  ///
  /// - Throws: `notFound` if the volume does not exist.
  package func setRetained(_ name: VolumeName, _ isRetained: Bool) async throws(VolumeError) {
    try await Reclaimer(context: context).setRetained(name, isRetained)
  }
}

// MARK: - Reading

extension VolumeService {
  /// The volume of this name, ours or not.
  package func volume(_ name: VolumeName) async throws(VolumeError) -> StoredVolume? {
    try await context.engine.volume(name)
  }

  /// The instance of a volume of ours; nil when it does not exist.
  package func instance(of name: VolumeName) async throws(VolumeError) -> String? {
    guard let volume = try await volume(name), volume.marks != nil else { return nil }
    return volume.instance
  }

  /// The instance of a completely created volume of ours. Nil when it does not exist, and while it is being created,
  /// because a failure would remove it again. Waits for running work on the volume.
  ///
  /// - Throws: `inProgress` if that work takes longer than ten seconds.
  package func createdInstance(of name: VolumeName) async throws(VolumeError) -> String? {
    let context = context.answering(within: min(.seconds(10), context.configuration.callPatience))
    return try await context.withLock(name) { () async throws(VolumeError) in
      guard let volume = try await context.engine.volume(name), let marks = volume.marks else { return nil }
      // Left by a creation that failed or was interrupted. The next call settles it.
      if let permit = try context.permits.permit(for: name), permit.creation == marks.creation { return nil }
      return volume.instance
    }
  }

  /// All volumes of ours, by name.
  package func volumes() async throws(VolumeError) -> [StoredVolume] { try await context.engine.volumes() }

  /// Size, free space and trouble of each group.
  package func capacity() async throws(VolumeError) -> [GroupCapacity] { try await context.engine.capacity() }

  /// The kernel's complaints about staged volumes. May take as long as a disk takes to answer.
  package func complaints() async throws(VolumeError) -> [VolumeName: FileSystemComplaint] {
    try await VolumeConditions(context: context).complaints()
  }

  /// A program that works on a volume.
  package struct LongWork: Sendable, Hashable {
    package let volume: VolumeName
    /// When it began.
    package let startedAt: String
    package let seconds: Int
    /// What the program does, for how long, and its progress.
    package let words: String
  }

  /// The programs that have been working on volumes for longer than a short call takes.
  package var longWork: [LongWork] {
    context.locks.runs.filter { $0.age > .seconds(30) }.map {
      LongWork(
        volume: $0.volume, startedAt: $0.startedAt, seconds: Int($0.age.components.seconds), words: $0.words)
    }
  }
}

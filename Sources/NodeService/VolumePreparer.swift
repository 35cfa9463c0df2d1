internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// Brings a volume into being: the logical volume and its file system. Rules 1 and 2 of the design live here.
///
/// Callers hold the volume's lock. Every step looks at the real state first and goes onto the caller's rollback.
struct VolumePreparer: Sendable {
  let context: NodeContext

  var engine: any VolumeEngine { context.engine }
  var permits: FormatPermits { context.permits }

  /// Makes sure that the volume exists, is ours and has its device.
  ///
  /// - Parameter willFormat: whether this call goes on to format the volume if it is new.
  func ensureVolume(
    _ name: VolumeName, _ options: VolumeOptions, willFormat: Bool, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    try context.locks.tellFailure(of: name)
    try await settleUnlessCleared(name)
    if let found = try await engine.volume(name, wantedIn: options.volumeGroup) {
      try await admit(found, options)
      try requireAsAsked(found, options)
      return try await ensureOurs(found, &rollback)
    }
    guard let size = options.size else {
      throw VolumeError(
        .notFound,
        "volume \(name) does not exist on node \(context.settings.nodeName) and the call has no sizeBytes to make it with; "
          + "was it made on another node?")
    }
    if options.isUnpinned { try await requireRoom(for: name, size, options) }
    try await context.cluster.admitCreation(of: name, adopting: nil, by: options.pod)
    try checkCancellation(name)
    return try await create(name, size, options, willFormat: willFormat, &rollback)
  }

  /// Makes sure that a volume's device holds a file system that may be mounted, and says which.
  ///
  /// mkfs happens only on a device that is proven blank and whose volume has a permit. Nil for a volume that is a
  /// directory.
  func ensureFileSystem(
    on volume: StoredVolume, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) -> FileSystemKind? {
    guard case .device(let device) = volume.location else {
      try permits.remove(volume.name)
      return nil
    }
    let contents = try await context.measure(.probe) { () async throws(VolumeError) in
      try await context.system.contents(of: device, knownAs: volume.marks?.creation?.fileSystemIdentity)
    }
    switch contents {
    case .fileSystem(let type, _, _):
      return try accept(type, on: volume, options)
    case .blank:
      return try await format(volume, device, options, &rollback)
    case .other(let kind):
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) holds \(kind), no file system; it is neither formatted nor mounted. Look at \(device)")
    case .ambivalent(let what):
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) shows signs of more than one format (\(what)); it is neither formatted nor mounted. "
          + "Look at \(device) with wipefs --no-act")
    }
  }
}

// MARK: - Steps

extension VolumePreparer {
  /// A volume that carries our tag may be used without the API server; one that is to become ours may not.
  private func admit(_ found: StoredVolume, _ options: VolumeOptions) async throws(VolumeError) {
    if found.marks == nil {
      try await context.cluster.admitCreation(of: found.name, adopting: found, by: options.pod)
    } else {
      try await context.cluster.admitUse(of: found, by: options.pod)
    }
  }

  private func create(
    _ name: VolumeName, _ size: ByteCount, _ options: VolumeOptions, willFormat: Bool, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    try await requireFileSystemFits(name, size, options)
    var permit = FormatPermit(volume: name, creation: context.freshToken(), progress: .planned)
    let creation = permit.creation
    let permits = permits
    let engine = engine
    try permits.write(permit)
    // While nobody can say whether the volume was made (the disk is away), the permit stays, for the next call to settle
    // by: without it a volume that was made would be taken for one that has lost its data.
    rollback.add("the permit of volume \(name)") { () async throws(VolumeError) in
      if let left = try await engine.volume(name, wantedIn: options.volumeGroup), left.marks?.creation == creation {
        _ = try await engine.remove(left)
      }
      try permits.remove(name)
    }
    try await context.steps.reach(.permitWritten)

    let request = CreationRequest(
      name: name, size: size, claim: ClaimUID(provisioned: name), creation: creation,
      group: options.volumeGroup, isThin: options.isThin)
    let outcome = try await context.measure(.create) { () async throws(VolumeError) in
      try await engine.create(request)
    }
    let volume = outcome.value
    guard outcome.isChange else {
      // Somebody made one of that name since we looked.
      try permits.remove(name)
      return try await ensureOurs(volume, &rollback)
    }
    rollback.add("the making of volume \(name)") { () async throws(VolumeError) in _ = try await engine.remove(volume) }
    context.log.notice(
      "volume created", ["volume": name.text, "size": "\(volume.size)", "group": volume.group])
    try await context.steps.reach(.volumeCreated)
    permit.progress = willFormat ? .formatting : .cleared
    try permits.write(permit)
    try await context.steps.reach(.volumeCleared)
    return try await engine.activate(volume).value
  }

  /// Before a volume is pinned to this node for good: while it is not, a pod elsewhere can still have it. A thin pool may
  /// promise more than it has.
  private func requireRoom(
    for name: VolumeName, _ size: ByteCount, _ options: VolumeOptions
  ) async throws(VolumeError) {
    let groups = try await engine.capacity()
    guard let group = groups.first(where: { $0.group == options.volumeGroup?.text ?? groups[0].group }) else { return }
    if let trouble = group.trouble {
      throw VolumeError(
        .unavailable,
        "volume \(name) cannot be made on node \(context.settings.nodeName): \(trouble.message). It is not pinned to this "
          + "node; a pod on another node can have it")
    }
    guard group.thin == nil || options.isThin == false, group.thickFreeBytes < size.bytes
    else { return }
    throw VolumeError(
      .noSpace,
      "volume \(name) of \(size) does not fit on node \(context.settings.nodeName): volume group \(group.group) has "
        + "\(ByteCount(group.thickFreeBytes)) free. It is not pinned to this node; a pod on another node can have it")
  }

  /// A volume that exists is taken as it is, but not from another group than was asked for.
  private func requireAsAsked(_ found: StoredVolume, _ options: VolumeOptions) throws(VolumeError) {
    if let group = options.volumeGroup, group.text != found.group {
      throw VolumeError(
        .conflict,
        "volume \(found.name) is in \(found.group), and option volumeGroup asks for \(group); one of them is wrong")
    }
    if let size = options.size, found.size < size, case .device = found.location {
      context.log.warning(
        "volume is smaller than asked for",
        ["volume": found.name.text, "size": "\(found.size)", "asked": "\(size)"])
    }
  }

  /// A volume that the host or another program uses is not the Go program's left-over: adopting it would show its data
  /// to a pod. Mounts at kubelet's directories for this very volume are the Go program's.
  private func requireUnusedByOthers(_ volume: StoredVolume, _ device: String) async throws(VolumeError) {
    let mounts = try await context.system.mounts(of: volume.location).map(\.mountPoint)
    let suffix = "/volumes/\(ProductNames.escapedDriver)/\(volume.name)"
    if let foreign = mounts.first(where: { !$0.hasSuffix(suffix) }) {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) in \(volume.group) exists without our tag and is mounted at \(quoted(foreign)); it is not "
          + "adopted. If it is a volume of the Go program, unmount it there first")
    }
    if mounts.isEmpty, try await context.system.isHeld(device) {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) in \(volume.group) exists without our tag and something outside this mount namespace holds "
          + "it; it is not adopted")
    }
  }

  /// Adopts a volume of the Go program; refuses everything else that is not ours.
  private func ensureOurs(
    _ found: StoredVolume, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    guard case .foreign(let isAdoptable, let kind) = found.ownership else {
      // The engine is not asked for what is there already: it may be stuck on another volume.
      return found.isActive ? found : try await activated(found, &rollback)
    }
    guard isAdoptable else {
      throw VolumeError(
        .unsafe, "volume \(found.name) in \(found.group) exists, is not ours and is a \(kind); it is left alone")
    }
    let active = try await activated(found, &rollback)
    if case .device(let device) = active.location {
      try await requireUnusedByOthers(active, device)
      let contents = try await context.system.contents(of: device, knownAs: nil)
      guard case .fileSystem(let type, _, _) = contents, FileSystemKind(rawValue: type) != nil else {
        throw VolumeError(
          .unsafe,
          "volume \(found.name) in \(found.group) exists without our tag and holds \(contents.inWords), not a file system "
            + "of ours; it is neither adopted nor formatted. Rename or remove it by hand if it is not wanted")
      }
    }
    let adopted = try await engine.adopt(active, claim: ClaimUID(provisioned: found.name)).value
    context.log.notice("volume adopted", ["volume": found.name.text, "group": found.group])
    try await context.steps.reach(.volumeAdopted)
    return try await engine.activate(adopted).value
  }

  /// An engine holds something for a device that is there; nobody is to hold it for a call that failed.
  private func activated(
    _ volume: StoredVolume, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    let outcome = try await engine.activate(volume)
    guard outcome.isChange else { return outcome.value }
    let engine = engine
    rollback.add("the activation of volume \(volume.name)") { () async throws(VolumeError) in
      try await engine.release(volume.name)
    }
    return outcome.value
  }

  private func accept(
    _ type: String, on volume: StoredVolume, _ options: VolumeOptions
  ) throws(VolumeError) -> FileSystemKind {
    guard let kind = FileSystemKind(rawValue: type) else {
      throw VolumeError(
        .unsafe, "volume \(volume.name) holds a file system of type \(quoted(type)), which is not mounted here")
    }
    if let asked = options.fileSystem, asked != kind {
      // Data comes before a wish: what is there is mounted as it is.
      context.log.warning(
        "volume holds another file system than asked for",
        ["volume": volume.name.text, "found": kind.rawValue, "asked": asked.rawValue])
    }
    // A permit that is still here speaks of a device nobody has formatted for us: it is used up.
    try permits.remove(volume.name)
    return kind
  }

  private func format(
    _ volume: StoredVolume, _ device: String, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) -> FileSystemKind {
    guard var permit = try permits.permit(for: volume.name), permit.creation == volume.marks?.creation else {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) holds no file system, and nothing proves that it never did: it is not formatted. If it "
          + "had data, restore its superblock (e2fsck -b, xfs_repair); if not, remove it with "
          + "elastic-local-node remove \(volume.name)")
    }
    if try await context.system.isHeld(device) {
      throw VolumeError(.inUse, "volume \(volume.name) is blank but \(device) is in use by somebody else; try again")
    }
    if permit.progress != .formatting {
      permit.progress = .formatting
      try permits.write(permit)
    }
    try checkCancellation(volume.name)
    // From here on the device holds nothing, or half of something, or an empty file system that nobody has seen.
    let (engine, permits) = (engine, permits)
    rollback.add("the formatting of volume \(volume.name)") { () async throws(VolumeError) in
      _ = try await engine.remove(volume)
      try permits.remove(volume.name)
    }
    try await context.steps.reach(.formatPermitted)
    let kind = options.fileSystemToMake
    let identity = permit.creation.fileSystemIdentity
    try await context.perform(.formatting, on: volume.name, &rollback) { [context] progress async throws(VolumeError) in
      do throws(VolumeError) {
        try await Self.makeFileSystem(kind, on: device, identity, volume.name, options, context, progress)
      } catch {
        throw await Self.undoFormatting(of: volume, context, after: error)
      }
    }
    return kind
  }

  private static func makeFileSystem(
    _ kind: FileSystemKind, on device: String, _ identity: FileSystemIdentity, _ name: VolumeName,
    _ options: VolumeOptions, _ context: NodeContext, _ progress: ToolProgress
  ) async throws(VolumeError) {
    try await context.measure(.format) { () async throws(VolumeError) in
      try await context.system.makeFileSystem(
        kind, on: device, identity: identity,
        options: kind.standardMkfsOptions + options.mkfsOptions.arguments, deadline: context.settings.toolDeadline,
        progress: progress)
    }
    context.log.notice("volume formatted", ["volume": name.text, "fileSystem": kind.rawValue])
    try await context.steps.reach(.formatted)
    try context.permits.remove(name)
    try await context.steps.reach(.permitRemoved)
  }

  /// Nobody has seen what mkfs left: the volume goes, and its permit with it. Where that fails the permit stays, and the
  /// next call or start settles by it.
  ///
  /// A task of its own: mkfs may have failed because this one was cancelled.
  private static func undoFormatting(
    of volume: StoredVolume, _ context: NodeContext, after error: VolumeError
  ) async -> VolumeError {
    await Task.detached {
      do throws(VolumeError) {
        _ = try await context.engine.remove(volume)
        try context.permits.remove(volume.name)
        return error
      } catch let failure {
        return VolumeError(
          error.code, "\(error.message); undoing it failed as well: \(failure.message)",
          cause: RollbackError(original: error, rollback: failure))
      }
    }.value
  }

  /// Repairs a file system that says it needs it before it may be mounted.
  func repair(
    _ kind: FileSystemKind, _ volume: StoredVolume, _ device: String, _ rollback: inout Rollback
  ) async throws(VolumeError) {
    guard try await context.system.needsRepair(kind, on: device) else { return }
    context.log.notice("file system is checked and repaired", ["volume": volume.name.text, "device": device])
    try await context.perform(.checking, on: volume.name, &rollback) { [context] progress async throws(VolumeError) in
      try await context.system.repairFileSystem(
        kind, on: device, deadline: context.settings.toolDeadline, progress: progress)
    }
  }
}

extension FileSystemKind {
  /// No discard of the whole device: on a large volume that alone takes longer than kubelet's patience; `mkfsOptions`
  /// can ask for it (a later `-E discard` wins). No blocks reserved for root, as kubelet's own formatter does it.
  var standardMkfsOptions: [String] {
    switch self {
    case .ext4: ["-m", "0", "-E", "nodiscard"]
    case .xfs, .btrfs: ["-K"]
    }
  }
}

extension DeviceContents {
  /// For a message.
  var inWords: String {
    switch self {
    case .blank: "nothing that is known"
    case .fileSystem(let type, _, _): "a file system of type \(type)"
    case .other(let kind): kind
    case .ambivalent(let what): "signs of more than one format (\(what))"
    }
  }
}

internal import Synchronization
internal import LinuxSystem
package import StorageModel

extension LVMEngine {
  package func create(_ request: CreationRequest) throws(VolumeError) -> Outcome<StoredVolume> {
    let group = try chosenGroup(request.deviceClass.group)
    let pool = try chosenPool(request)
    if let found = try existing(request.name, wantedIn: group) { return .unchanged(found) }
    let state = try fresh(group)
    if let trouble = state.hindrance { throw trouble.error.during("creating volume \(request.name)") }
    if pool != nil, let trouble = poolTrouble(in: state) {
      throw trouble.error.during("creating volume \(request.name)")
    }
    let size = try roundedUp(request.size, in: state)
    try requireDeviceName(request.name, in: group)
    try requireSpace(for: size, beyond: .zero, name: request.name, pool: pool?.text ?? "", in: state)

    let tags = VolumeTags.tags(volume: request.name, claim: request.claim, creation: request.creation)
    let command: LVMCommand =
      if let pool {
        .createThin(request.name, in: group, pool: pool, size: size, tags: tags)
      } else {
        .createThick(request.name, in: group, size: size, tags: tags, wipe: true)
      }
    let result = try run(command)
    guard result.succeeded else { return try afterFailedCreation(request, in: group, result) }
    let volume = try applyCreation(request, size: size, pool: pool, to: state)
    return .changed(try completed(volume, in: state, isThick: pool == nil))
  }

  package func extend(_ volume: StoredVolume, to size: ByteCount) throws(VolumeError) -> Outcome<StoredVolume> {
    _ = try volume.requireOurs(to: "resize")
    var (state, found) = try require(volume)
    guard found.marks != nil else {
      _ = try requireStored(found, in: state).requireOurs(to: "resize")
      return .unchanged(volume)
    }
    let target = try roundedUp(size, in: state)
    guard target > found.size else { return .unchanged(try requireStored(found, in: state)) }
    if let trouble = state.changeHindrance { throw trouble.error.during("growing volume \(volume.name)") }
    try requireSpace(for: target, beyond: found.size, name: volume.name, pool: found.pool, in: state)
    if found.hasSnapshots, try requireStored(found, in: state).isActive {
      throw VolumeError(
        .inUse,
        "volume \(volume.name) has snapshots, and LVM grows such a volume only while it is not active; remove the snapshots "
          + "(lvs -S origin=\(volume.name) \(state.name)), or end its pods and grow it by hand (lvchange -an, lvextend)"
      )
    }
    let result = try run(.extend(volume.name, in: state.name, to: target))
    guard result.succeeded else { throw result.failure("growing volume \(volume.name) to \(target)") }
    guard found.isPlainlyCounted else { return .changed(try reread(found, in: state)) }
    if !found.isThin { state.free = state.free - (target - found.size) }
    found.size = target
    return .changed(try apply(found, to: state))
  }

  package func adopt(_ volume: StoredVolume, claim: ClaimUID?) throws(VolumeError) -> Outcome<StoredVolume> {
    var (state, found) = try require(volume)
    if found.marks != nil { return .unchanged(try requireStored(found, in: state)) }
    guard found.isPlain else {
      throw VolumeError(.unsafe, "volume \(volume.name) is a \(found.kindDescription) and is not adopted")
    }
    let tags = VolumeTags.tags(volume: volume.name, claim: claim, creation: nil)
    let result = try run(.change(volume.name, in: state.name, adding: tags))
    guard result.succeeded else { throw result.failure("tagging volume \(volume.name)") }
    found.marks = StoredVolume.Marks(claim: claim, creation: nil)
    return .changed(try apply(found, to: state))
  }

  package func setRetained(
    _ volume: StoredVolume, _ isRetained: Bool
  ) throws(VolumeError) -> Outcome<StoredVolume> {
    var (state, found) = try require(volume)
    var marks = try requireStored(found, in: state).requireOurs(to: "mark")
    guard marks.isRetained != isRetained else { return .unchanged(try requireStored(found, in: state)) }
    let tags = [VolumeTags.retained]
    let result = try run(
      isRetained
        ? .change(volume.name, in: state.name, adding: tags)
        : .change(volume.name, in: state.name, removing: tags))
    guard result.succeeded else { throw result.failure("marking volume \(volume.name)") }
    marks.isRetained = isRetained
    found.marks = marks
    return .changed(try apply(found, to: state))
  }

  package func remove(
    _ volume: StoredVolume, notAfter end: Duration?
  ) throws(VolumeError) -> Outcome<StoredVolume> {
    try volume.requireRemoval(notAfter: end)
    var state = try fresh(try VolumeGroupName(volume.group))
    guard let found = state.volumes[volume.name.text], found.uuid == volume.instance else {
      return .unchanged(volume)
    }
    let marks = try requireStored(found, in: state).requireOurs(to: "remove")
    guard !marks.isRetained else { throw StoredVolume.retained(volume.name) }
    guard !found.hasSnapshots else {
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) has snapshots, which would be removed with it; remove them first if you do not need them"
      )
    }
    let result = try run(.remove(volume.name, in: state.name, uuid: volume.instance))
    guard result.succeeded else { throw result.failure("removing volume \(volume.name)") }
    // It is not known on which disk its extents were, and a mirror's took more than its size.
    let isCounted = found.isPlainlyCounted && state.closed == .zero
    state.volumes[volume.name.text] = nil
    state.volumeCount = state.volumeCount == 0 ? 0 : state.volumeCount - 1
    if !found.isThin { state.free = state.free + found.size }
    if isCounted {
      try storeOwnChange(state, steps: found.isThin ? 2 : 1)
    } else {
      try makeDurable(state)
      try refresh(state.name)
    }
    // LVM reports success for a selection that matches nothing, so check whether the volume is gone.
    if knownGroups.withLock({ $0[state.name]?.state.volumes[volume.name.text]?.uuid }) == volume.instance {
      throw VolumeError(
        .conflict, "volume \(volume.name) changed while it was being removed and was left alone; try again")
    }
    return .changed(volume)
  }
}

// MARK: - Steps

extension LVMEngine {
  /// The volume of this name, in this group or in another one that is known to have had it; nil when it does not exist.
  ///
  /// - Throws: `conflict` if it exists under another name.
  func existing(_ name: VolumeName, wantedIn group: VolumeGroupName) throws(VolumeError) -> StoredVolume? {
    // Other groups are read only if they are known to have had the volume: they may hang, or be absent.
    for holder in [group] + options.groups.filter({ $0 != group && lastSeen(name, in: $0) }) {
      if let found = try existing(name, in: holder) { return found }
    }
    return nil
  }

  private func existing(_ name: VolumeName, in group: VolumeGroupName) throws(VolumeError) -> StoredVolume? {
    let state = try fresh(group, neededFor: name)
    if let found = state.volumes[name.text] { return try requireStored(found, in: state) }
    guard let renamed = state.volumes.values.first(where: { $0.formerName == name.text }) else { return nil }
    throw VolumeError(
      .conflict,
      "volume \(name) has been renamed to \(renamed.name) in group \(group); no empty one is created in its place. "
        + "Rename it back (lvrename \(group) \(renamed.name) \(name)), or remove its tags")
  }

  func chosenGroup(_ asked: VolumeGroupName?) throws(VolumeError) -> VolumeGroupName {
    guard let asked else { return options.groups[0] }
    if options.groups.contains(asked) { return asked }
    throw VolumeError(
      .invalid,
      "volume group \(quoted(asked.text)) is not served on this node; it serves "
        + options.groups.map(\.text).joined(separator: ", "))
  }

  /// The thin pool of a thin volume; nil for a thick one.
  func chosenPool(_ request: CreationRequest) throws(VolumeError) -> VolumeName? {
    guard request.deviceClass.provisioning.map({ $0 == .thin }) ?? (options.thinPool != nil) else { return nil }
    if let pool = options.thinPool { return pool }
    throw VolumeError(
      .invalid,
      "volume \(request.name) is to be thin, and this node has no thin pool; start the daemon with --thin-pool, or remove "
        + "thin: \"true\" from the storage class")
  }

  func roundedUp(_ size: ByteCount, in state: GroupState) throws(VolumeError) -> ByteCount {
    if let size = size.roundedUp(to: state.extentSize) { return size }
    throw VolumeError(.invalid, "a size of \(size) is too large")
  }

  func requireDeviceName(_ name: VolumeName, in group: VolumeGroupName) throws(VolumeError) {
    let length = DeviceMapperName.name(group: group.text, volume: name.text).utf8.count
    guard length <= DeviceMapperName.maximumLength else {
      throw VolumeError(
        .invalid,
        "volume \(name) in group \(group) would need a device name of \(length) characters; "
          + "\(DeviceMapperName.maximumLength) is the most (hyphens count twice)")
    }
  }

  /// Refuses a size that does not fit before LVM is called, so that the message can say how much is missing.
  ///
  /// - Parameter pool: the thin pool of the volume, whatever the present settings are; empty for a thick volume.
  func requireSpace(
    for size: ByteCount, beyond current: ByteCount, name: VolumeName, pool: String, in state: GroupState
  ) throws(VolumeError) {
    let needed = size - current
    guard !pool.isEmpty, let found = state.volumes[pool] else {
      guard needed <= state.free else {
        throw noSpaceError(needed, of: state.free, in: "volume group \"\(state.name)\"", name)
      }
      return
    }
    let ceiling = thinCeiling(of: found)
    let left = ceiling - state.virtualSize(ofPool: pool)
    guard needed <= left else {
      throw noSpaceError(needed, of: left, in: "thin pool \"\(state.name)/\(pool)\" (ceiling \(ceiling))", name)
    }
  }

  private func noSpaceError(_ needed: ByteCount, of free: ByteCount, in place: String, _ name: VolumeName)
    -> VolumeError
  {
    VolumeError(
      .noSpace,
      "volume \(name): \(place) has \(free) free, \(needed) requested, \(needed - free) missing; "
        + "add space to it, or request less")
  }

  /// Reads the volume again after a change whose effect cannot be computed from the command.
  private func reread(
    _ volume: GroupState.Volume, in state: GroupState
  ) throws(VolumeError) -> StoredVolume {
    try makeDurable(state)
    let current = try refresh(state.name)
    guard let found = current.volumes[volume.name], found.uuid == volume.uuid else {
      throw VolumeError(.conflict, "volume \(volume.name) was changed by another program at the same time; try again")
    }
    return try requireStored(found, in: current)
  }

  /// Completes what lvcreate leaves undone. lvcreate wipes the signatures that it knows, but not the backup of a
  /// partition table whose first copy is gone. Such a backup of a former volume would be taken for this volume's. The
  /// flush at the end also covers what lvcreate has wiped. On a volume that is activated read-only lvcreate wipes
  /// nothing, and succeeds. Such a volume is removed again.
  private func completed(
    _ volume: StoredVolume, in state: GroupState, isThick: Bool
  ) throws(VolumeError) -> StoredVolume {
    try removedOnFailure(volume, in: state.name) { () throws(VolumeError) in
      try requireWritable(volume, in: state)
      guard isThick else { return volume }
      let active = volume.isActive ? volume : try activate(volume).value
      guard case .device(let device) = active.location else { return active }
      try reporting("clearing the end of", device) { () throws(SystemError) in try BlockDevice.clearEnd(of: device) }
      return active
    }
  }

  /// Runs the rest of a volume's creation. If that throws, removes the volume again.
  func removedOnFailure(
    _ volume: StoredVolume, in group: VolumeGroupName, _ body: () throws(VolumeError) -> StoredVolume
  ) throws(VolumeError) -> StoredVolume {
    do throws(VolumeError) {
      return try body()
    } catch {
      let removal = try run(.remove(volume.name, in: group, uuid: volume.instance))
      try refresh(group)
      guard removal.succeeded else {
        throw VolumeError(
          error.code, error.message,
          cause: RollbackError(original: error, rollback: removal.failure("removing volume \(volume.name)")))
      }
      throw error
    }
  }

  /// After a failed lvcreate, removes the remains if they are of this request.
  func afterFailedCreation(
    _ request: CreationRequest, in group: VolumeGroupName, _ result: LVMSession.Result
  ) throws(VolumeError) -> Outcome<StoredVolume> {
    let failure = result.failure("creating volume \(request.name) in \(group)")
    // The command has done nothing, and the group cannot be read.
    if result.lockHeldElsewhere != nil { throw failure }
    let state = try refresh(group)
    guard let left = state.volumes[request.name.text] else { throw failure }
    if left.marks?.creation == request.creation {
      let removal = try run(.remove(request.name, in: group, uuid: left.uuid))
      try refresh(group)
      guard removal.succeeded else {
        throw VolumeError(
          failure.code, failure.message,
          cause: RollbackError(original: failure, rollback: removal.failure("removing what was left of it")))
      }
      throw failure
    }
    if result.saysExists { return .unchanged(try requireStored(left, in: state)) }
    throw failure
  }

  /// Adds a new volume to the state. Its UUID comes from the kernel, not from a report.
  ///
  /// - Parameter origin: the instance of a clone's origin.
  func applyCreation(
    _ request: CreationRequest, size: ByteCount, pool: VolumeName?, origin: String? = nil, to old: GroupState
  ) throws(VolumeError) -> StoredVolume {
    var state = old
    let path = DeviceMapperName.path(group: state.name.text, volume: request.name.text)
    guard let device = DeviceMapperName.deviceUUID(atPath: path),
      let uuid = DeviceMapperName.volumeUUID(inDevice: device, group: state.uuid)
    else {
      // There is no device mapper, or the node is late. The report has the UUID.
      let state = try refresh(state.name)
      guard let found = state.volumes[request.name.text] else {
        throw VolumeError(.internal, "volume \(request.name) was created but is missing from LVM's report")
      }
      return try requireStored(found, in: state)
    }
    if pool == nil { state.free = state.free - size }
    state.volumeCount += 1
    let volume = GroupState.Volume(
      name: request.name.text, uuid: uuid, size: size, layout: pool == nil ? "linear" : "thin,sparse",
      role: origin == nil ? "public" : "public,snapshot,thinsnapshot", pool: pool?.text ?? "",
      createdAt: WallClock.now(),
      marks: StoredVolume.Marks(claim: request.claim, creation: request.creation, origin: origin))
    return try apply(volume, to: state, steps: pool == nil ? 1 : 2)
  }

  /// Puts the changed volume into the state and stores it.
  private func apply(
    _ volume: GroupState.Volume, to old: GroupState, steps: UInt64 = 1
  ) throws(VolumeError) -> StoredVolume {
    var state = old
    state.volumes[volume.name] = volume
    try storeOwnChange(state, steps: steps)
    let current = knownGroups.withLock { $0[state.name]?.state } ?? state
    guard let found = current.volumes[volume.name], found.uuid == volume.uuid else {
      throw VolumeError(.conflict, "volume \(volume.name) was changed by another program at the same time; try again")
    }
    return try requireStored(found, in: current)
  }

  /// Flushes the metadata. LVM writes them and leaves them in the disk's cache (lvm2 2.03.16 flushes nothing). A power
  /// cut could undo an acknowledged change, or keep the new header without the text that it points to.
  private func makeDurable(_ state: GroupState) throws(VolumeError) {
    for device in state.metadataDevices {
      try recorder.whileReading { () throws(VolumeError) in
        try reporting("flushing", device) { () throws(SystemError) in try BlockDevice.sync(device) }
      }
    }
  }

  /// Stores the state as changed by our last command, if no other program has changed the group meanwhile. In that case
  /// the sequence number has increased by exactly the number of steps of such a command. Otherwise the group is read
  /// again.
  ///
  /// - Parameter steps: how often the command writes the group's metadata: once, or twice if it queues a message for a
  ///   thin pool and clears it afterwards (observed with lvm2 2.03.16; another number only costs a report).
  private func storeOwnChange(_ state: GroupState, steps: UInt64 = 1) throws(VolumeError) {
    try makeDurable(state)
    let entry = knownGroups.withLock { $0[state.name] }
    let found = recorder.whileReading { entry?.sequences.first?.current(of: state.name.text, uuid: state.uuid) }
    guard let current = found, current == state.sequence + steps else {
      try refresh(state.name)
      return
    }
    var next = state
    next.sequence = current
    next.metadataFree = entry?.sequences.compactMap(\.freeMetadata).min() ?? next.metadataFree
    store(next, entry?.surroundings ?? Surroundings(systemDirectory: options.systemDirectory))
  }
}

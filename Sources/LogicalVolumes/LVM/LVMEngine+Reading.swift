internal import LinuxSystem
internal import StorageModel
internal import Synchronization

// Finding volumes, in the known state or in a new report.
extension LVMEngine {
  /// A volume of ours that is in the last state and whose device exists, proven by the UUIDs in the kernel.
  nonisolated func knownActiveVolume(_ name: VolumeName) -> StoredVolume? {
    let holders = knownGroups.withLock { $0.values.map(\.state) }.filter { $0.volumes[name.text] != nil }
    guard holders.count == 1, let found = holders[0].volumes[name.text], found.marks != nil,
      let volume = stored(found, in: holders[0]), volume.isActive
    else { return nil }
    return volume
  }

  func lookUp(_ name: VolumeName) throws(VolumeError) -> StoredVolume? {
    var matches: [StoredVolume] = []
    var failures: [VolumeError] = []
    for group in options.groups {
      do throws(VolumeError) {
        let state = try fresh(group)
        if let found = state.volumes[name.text] { matches.append(try requireStored(found, in: state)) }
      } catch {
        if lastSeen(name, in: group) { throw isThere(name, in: group, error) }
        failures.append(error)
      }
    }
    try requireOne(matches, name)
    if let found = matches.first { return found }
    if let failure = failures.first { throw failure.during("looking for volume \(name)") }
    return nil
  }

  /// Searches this group, and other groups only if they are known to have had the volume.
  func lookUp(_ name: VolumeName, wantedIn group: VolumeGroupName) throws(VolumeError) -> StoredVolume? {
    guard options.groups.contains(group) else { return try lookUp(name) }
    var matches: [StoredVolume] = []
    for candidate in [group] + options.groups.filter({ $0 != group && lastSeen(name, in: $0) }) {
      let state = try fresh(candidate, neededFor: name)
      if let found = state.volumes[name.text] { matches.append(try requireStored(found, in: state)) }
    }
    try requireOne(matches, name)
    return matches.first
  }

  private func requireOne(_ matches: [StoredVolume], _ name: VolumeName) throws(VolumeError) {
    guard matches.count > 1 else { return }
    throw VolumeError(
      .conflict,
      "volume \(name) exists in more than one group (\(matches.map(\.group).joined(separator: ", "))), and it is not known "
        + "which one is meant; rename one with lvrename")
  }

  /// Reads changes, but waits a limited time only, because a command or a disk may hang. After that time the last state
  /// is used.
  nonisolated func catchUp() async throws(VolumeError) {
    guard recorder.snapshot.runningSeconds == nil else { return }
    let outcome: Result<Void, VolumeError>? = await answer(within: Self.patience) { [self] in
      do throws(VolumeError) { return .success(try await refreshWhatChanged()) } catch { return .failure(error) }
    }
    try outcome?.get()
  }

  private static let patience = Duration.seconds(2)

  /// Reads the groups that have changed. A group that cannot be read is recorded, see ``setbacks``.
  private func refreshWhatChanged() throws(VolumeError) {
    for group in options.groups {
      guard case .state(let state) = try freshReading(of: group) else { continue }
      if let pool = options.thinPool { try refreshUse(of: pool, in: state) }
    }
  }

  /// The group's present state: the known state if it is still valid, otherwise a report.
  func fresh(_ group: VolumeGroupName) throws(VolumeError) -> GroupState {
    try freshReading(of: group).requireState()
  }

  /// Reads the group, whatever is known of it.
  @discardableResult
  func refresh(_ group: VolumeGroupName) throws(VolumeError) -> GroupState { try reading(of: group).requireState() }

  /// - Parameter surroundings: the surroundings when the group was read.
  func store(_ state: GroupState, _ surroundings: Surroundings) {
    knownGroups.withLock { entries in
      let known = entries[state.name]
      let sequences =
        known?.state.metadataDevices == state.metadataDevices && known?.sequences.isEmpty == false
        ? known?.sequences ?? [] : state.metadataDevices.compactMap { MetadataSequence(device: $0) }
      entries[state.name] = KnownGroup(
        state: state, sequences: sequences, readAt: MonotonicClock.now(), surroundings: surroundings,
        thinUse: known?.thinUse)
    }
  }

  /// The volume of the state in the callers' type; nil if its name is not valid for us.
  nonisolated func stored(_ volume: GroupState.Volume, in state: GroupState) -> StoredVolume? {
    try? requireStored(volume, in: state)
  }

  /// - Throws: `invalid` for a name that is not valid for a PV of ours.
  nonisolated func requireStored(
    _ volume: GroupState.Volume, in state: GroupState
  ) throws(VolumeError) -> StoredVolume {
    let path = DeviceMapperName.path(group: state.name.text, volume: volume.name)
    let uuid = DeviceMapperName.uuid(group: state.uuid, volume: volume.uuid)
    let ownership: StoredVolume.Ownership =
      volume.marks.map { .ours($0) } ?? .foreign(adoptable: volume.isPlain, kind: volume.kindDescription)
    return StoredVolume(
      name: try VolumeName(volume.name), instance: volume.uuid, location: .device(path), size: volume.size,
      group: state.name.text, ownership: ownership, isActive: DeviceMapperName.deviceUUID(atPath: path) == uuid,
      createdAt: volume.createdAt, isThin: volume.isThin)
  }

  /// Finds exactly this volume again.
  ///
  /// - Throws: `notFound` if it does not exist any more.
  func require(_ volume: StoredVolume) throws(VolumeError) -> (GroupState, GroupState.Volume) {
    let state = try fresh(try VolumeGroupName(volume.group))
    guard let found = state.volumes[volume.name.text], found.uuid == volume.instance else {
      throw VolumeError(
        .notFound, "volume \(volume.name) (\(volume.instance)) is no longer in volume group \(volume.group)")
    }
    return (state, found)
  }
}

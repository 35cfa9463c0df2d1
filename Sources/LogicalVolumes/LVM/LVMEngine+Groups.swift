internal import LinuxSystem
internal import StorageModel
internal import Synchronization

/// A group that could not be read, and when it was last tried.
struct Setback: Sendable {
  var trouble: GroupTrouble
  var at: Duration
}

/// The result of reading a group.
enum GroupReading {
  case state(GroupState)
  case trouble(GroupTrouble)

  func requireState() throws(VolumeError) -> GroupState {
    switch self {
    case .state(let state): return state
    case .trouble(let trouble): throw trouble.error
    }
  }
}

// MARK: - Reading one group

extension LVMEngine {
  /// The minimum time between two reads of a group that cannot be read, or that lacks a disk.
  static let retryPause = Duration.seconds(2)

  private nonisolated var records: GroupRecords { GroupRecords(directory: options.systemDirectory + "/groups") }

  /// The known state if it is still valid, otherwise a report. A failed read is not repeated at once.
  func freshReading(of group: VolumeGroupName) throws(VolumeError) -> GroupReading {
    if let setback = setbacks.withLock({ $0[group] }) {
      if MonotonicClock.now() - setback.at < Self.retryPause { return .trouble(setback.trouble) }
    } else if let entry = knownGroups.withLock({ $0[group] }), isFresh(entry) {
      return .state(entry.state)
    }
    return try reading(of: group)
  }

  private func isFresh(_ entry: KnownGroup) -> Bool {
    let surroundings = Surroundings(systemDirectory: options.systemDirectory)
    return recorder.whileReading { entry.isFresh(surroundings) }
  }

  /// Reads the group, stores the result, and activates the group's volumes if that has not been done.
  func reading(of group: VolumeGroupName) throws(VolumeError) -> GroupReading {
    let surroundings = Surroundings(systemDirectory: options.systemDirectory)
    let reading = try probe(group)
    switch reading {
    case .trouble(let trouble):
      setbacks.withLock { $0[group] = Setback(trouble: trouble, at: MonotonicClock.now()) }
      broughtUp.remove(group)
    case .state(let state):
      setbacks.withLock { $0[group] = nil }
      store(state, surroundings)
      try bringUp(state)
    }
    return reading
  }

  /// Activates volumes after a reboot. A volume that cannot be activated is tried again when it is mounted.
  private func bringUp(_ state: GroupState) throws(VolumeError) {
    if state.changeHindrance != nil {
      // Activates all volumes that can be; the rest when the group is complete.
      broughtUp.remove(state.name)
    } else if !broughtUp.insert(state.name).inserted {
      return
    }
    try deactivateStrayPoolParts(in: state)
    try resumeSuspended(in: state)
    let inactive = state.volumes.values.contains { $0.marks != nil && stored($0, in: state)?.isActive == false }
    if inactive { _ = try run(.activateOurs(in: state.name)) }
  }

  private func probe(_ group: VolumeGroupName) throws(VolumeError) -> GroupReading {
    narrowed[group] = nil
    do throws(VolumeError) {
      let known = try knownUUID(of: group)
      let result = try run(.groupReport(of: group))
      guard result.succeeded else { return .trouble(try diagnosis(of: group, known, result)) }
      var state = try GroupState(report: LVMReport(lines: result.report), of: group)
      if let known, known != state.uuid { return .trouble(replaced(group, known, by: [state.uuid])) }
      if known == nil { record(state.uuid, of: group) }
      let duplicates = result.duplicateDisks
      state.duplicateDisks = state.disks.filter { duplicates.contains($0.uuid) }.map(\.path)
      return .state(state)
    } catch {
      guard isStarted else { throw error }
      return .trouble(GroupTrouble(.unreadable, error.message))
    }
  }

  /// Limits LVM to the disks of the group that was served before, if other groups have its name too.
  ///
  /// - Returns: whether exactly one group is then visible.
  func filterByUUID(_ group: VolumeGroupName) throws(VolumeError) -> Bool {
    guard let known = try knownUUID(of: group) else { return false }
    let rows = try LVMReport(lines: try run(.allDevices).report).rows
    let devices = rows.filter { $0["vg_uuid"] == known }.compactMap { $0["pv_name"] }.filter { $0.hasPrefix("/") }
    guard !devices.isEmpty, LVMCommand.groupReport(of: group).seeingOnly(devices) != nil else { return false }
    narrowed[group] = devices
    return true
  }

  private func knownUUID(of group: VolumeGroupName) throws(VolumeError) -> String? {
    try records.uuid(of: group) ?? unrecorded[group]
  }

  /// If the record cannot be written, the daemon remembers the UUID until it ends, and the next report tries again.
  private func record(_ uuid: String, of group: VolumeGroupName) {
    do throws(VolumeError) {
      try records.write(uuid, of: group)
      unrecorded[group] = nil
    } catch {
      unrecorded[group] = uuid
    }
  }
}

// MARK: - Trouble

extension LVMEngine {
  private func diagnosis(
    of group: VolumeGroupName, _ known: String?, _ result: LVMSession.Result
  ) throws(VolumeError) -> GroupTrouble {
    let activity = "reading volume group \"\(group)\""
    if result.lockHeldElsewhere != nil { return GroupTrouble(.locked, result.failure(activity).message) }
    let rows = try LVMReport(lines: try run(.allGroups).report).rows
    let named = rows.filter { $0["vg_name"] == group.text }
    let uuids = named.compactMap { $0["vg_uuid"] }
    guard !named.isEmpty else { return missing(group, known, rows) }
    if let known, !uuids.contains(known) { return replaced(group, known, by: uuids) }
    if named.count > 1 { return duplicate(group, uuids) }
    if result.saysForeignSystem { return foreign(group, named[0]["vg_systemid"] ?? "") }
    return GroupTrouble(.unreadable, result.failure(activity).message)
  }

  private func missing(_ group: VolumeGroupName, _ known: String?, _ rows: [[String: String]]) -> GroupTrouble {
    let names = rows.compactMap { $0["vg_name"] }
    let others = names.isEmpty ? "there is none on this node" : "this node has \(names.joined(separator: ", "))"
    let backup = backup(of: group)
    guard known != nil || Files.exists(backup) else {
      return GroupTrouble(
        .missing,
        "volume group \"\(group)\" does not exist (\(others)); create it with vgcreate, or name another with --volume-group"
      )
    }
    if let known, let renamed = rows.first(where: { $0["vg_uuid"] == known })?["vg_name"] {
      return GroupTrouble(
        .missing,
        "volume group \"\(group)\" (\(known)) is called \(renamed) now; rename it back with vgrename \(renamed) \(group), "
          + "or name it with --volume-group")
    }
    let devicesFile = options.systemDirectory + "/devices/system.devices"
    let hiding = Files.exists(devicesFile) ? "a filter or the devices file \(devicesFile)" : "a filter of lvm.conf"
    return GroupTrouble(
      .missing,
      "volume group \"\(group)\"\(known.map { " (\($0))" } ?? "") was served on this node and is not there now (\(others)). "
        + "Are its disks there (lsblk), and does \(hiding) leave them out? If its metadata are lost, \(backup) has them as "
        + "last known: docs/operations.md says how to restore them. Make no new group in its place: its volumes would be lost"
    )
  }

  private func replaced(_ group: VolumeGroupName, _ known: String, by uuids: [String]) -> GroupTrouble {
    GroupTrouble(
      .replaced,
      "volume group \"\(group)\" is not the one that was served on this node: that has UUID \(known), and LVM shows "
        + "\(uuids.joined(separator: ", ")). Nothing is created, grown or removed in it. Bring the disks of the former group "
        + "back, or rename the other (vgrename UUID NEWNAME). If the new group is meant, remove \(records.path(of: group))"
    )
  }

  private func duplicate(_ group: VolumeGroupName, _ uuids: [String]) -> GroupTrouble {
    GroupTrouble(
      .duplicate,
      "\(uuids.count) volume groups have the name \"\(group)\" (\(uuids.joined(separator: ", "))), and none of them has been "
        + "served on this node before. Rename the other (vgrename UUID NEWNAME), or hide its disks with a filter or the "
        + "devices file (lvmdevices)")
  }

  private func foreign(_ group: VolumeGroupName, _ system: String) -> GroupTrouble {
    GroupTrouble(
      .foreign,
      "volume group \"\(group)\" has the system ID \(quoted(system)) of another host, so LVM does not use it here. If that "
        + "host does not use it any more, take it over as lvmsystemid(7) says (vgchange --systemid)")
  }

  /// Why no thin volume can be created; nil if one can, and if none is configured.
  nonisolated func poolTrouble(in state: GroupState) -> GroupTrouble? {
    guard let pool = options.thinPool else { return nil }
    guard let found = state.volumes[pool.text] else {
      return GroupTrouble(
        .noThinPool,
        "volume group \"\(state.name)\" has no thin pool \"\(pool)\"; create it with lvcreate --type thin-pool, or leave "
          + "--thin-pool out for thick volumes")
    }
    guard found.layout.split(separator: ",").contains("pool") else {
      return GroupTrouble(
        .noThinPool, "\"\(pool)\" in volume group \"\(state.name)\" is a \(found.layout) volume, no thin pool")
    }
    return nil
  }
}

// MARK: - The last known content

extension LVMEngine {
  /// Reads the group.
  ///
  /// - Throws: `unavailable`, with the volume's name if it was in the group. A volume of an unreadable group is not
  ///   created again in another group, and no other volume of its name is taken for it.
  func fresh(_ group: VolumeGroupName, neededFor name: VolumeName) throws(VolumeError) -> GroupState {
    do throws(VolumeError) {
      return try fresh(group)
    } catch {
      throw lastSeen(name, in: group) ? isThere(name, in: group, error) : error
    }
  }

  func isThere(_ name: VolumeName, in group: VolumeGroupName, _ failure: VolumeError) -> VolumeError {
    VolumeError(failure.code, "volume \(name) is in volume group \"\(group)\": \(failure.message)", cause: failure)
  }

  /// Whether the group had a volume of this name when it was last read: by the last state, or else by LVM's backup of
  /// its metadata, which LVM writes with each of our changes.
  func lastSeen(_ name: VolumeName, in group: VolumeGroupName) -> Bool {
    if let state = knownGroups.withLock({ $0[group]?.state }) {
      return state.volumes.values.contains { $0.name == name.text || $0.formerName == name.text }
    }
    // There is no readable backup, so nothing is known.
    guard let text = try? Files.readAll(backup(of: group), limit: 256 << 20) else { return false }
    let entry = Array("\t\t\(name) {".utf8)
    return text.split(separator: 0x0A).contains { $0.elementsEqual(entry) }
  }

  private func backup(of group: VolumeGroupName) -> String { options.systemDirectory + "/backup/\(group)" }
}

internal import FoundationEssentials
internal import LinuxSystem
package import StorageModel
internal import Synchronization

/// What the LVM engine works with.
package struct LVMSettings: Sendable {
  /// The groups volumes may live in; the first is the one for volumes that do not name theirs.
  package var groups: [VolumeGroupName]
  /// Thin volumes from the pool of this name when given, thick ones otherwise.
  package var thinPool: VolumeName?
  /// How many times its size a thin pool may be promised. 1 promises no more than is there.
  package var thinOverprovision: Double
  /// Where our LVM configuration, archives and backups live.
  package var systemDirectory: String
  package var udev: UdevUse

  package init(
    groups: [VolumeGroupName], thinPool: VolumeName? = nil, thinOverprovision: Double = 1, systemDirectory: String,
    udev: UdevUse = .auto
  ) {
    self.groups = groups
    self.thinPool = thinPool
    self.thinOverprovision = thinOverprovision
    self.systemDirectory = systemDirectory
    self.udev = udev
  }
}

/// Logical volumes through liblvm2cmd, in this process.
///
/// Concurrency: an actor on a thread of its own, so that commands never interleave and a stuck one blocks nothing but
/// further commands. What is known of the groups is published outside of it: a volume that is known and active is found
/// without entering the actor, so mounts of existing volumes, status and metrics go on while a command hangs.
///
/// Freshness: one report when the daemon starts; after that a group is read again only when its sequence number on disk
/// is not the one we know (somebody else's change), and our own changes are applied to the picture we have.
package actor LVMEngine: VolumeEngine {
  package nonisolated let kind = EngineKind.lvm
  nonisolated let settings: LVMSettings
  nonisolated let recorder = FlightRecorder()
  private nonisolated let executor = SerialThreadExecutor(name: "lvm")
  /// The last picture of each group, with what is needed to tell whether it still holds.
  nonisolated let published = Mutex<[VolumeGroupName: PublishedPicture]>([:])
  /// Groups that could not be read at the last look.
  nonisolated let setbacks = Mutex<[VolumeGroupName: Setback]>([:])
  private var session: LVMSession?
  /// The devices files that the session has read.
  private var devicesFiles: DevicesFiles?
  /// The devices that LVM is shown for a group whose name another group has too.
  var narrowed: [VolumeGroupName: [String]] = [:]
  /// UUIDs of groups whose record could not be written.
  var unrecorded: [VolumeGroupName: String] = [:]
  private(set) var isStarted = false
  /// Groups whose volumes have been activated since the group could be read.
  var broughtUp: Set<VolumeGroupName> = []

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  package nonisolated var activity: EngineActivity { recorder.snapshot }

  package init(settings: LVMSettings) {
    precondition(!settings.groups.isEmpty, "an LVM engine needs a volume group")
    self.settings = settings
  }

  package func start() throws(VolumeError) {
    // On this thread, since all commands run on it.
    let configuration = LVMConfiguration(
      directory: settings.systemDirectory, usesUdev: settings.udev.isOn,
      leavesMemoryUnlocked: ProcessSettings.serveBlockDevicesFromThisThread())
    try configuration.write(recorder: recorder)
    isStarted = true
    _ = try openSession()
    // One that cannot be used is noted, tried again, and keeps no other from being served.
    for group in settings.groups { _ = try sight(of: group) }
  }

  package nonisolated func volume(_ name: VolumeName) async throws(VolumeError) -> StoredVolume? {
    if let known = knownActiveVolume(name) { return known }
    return try await lookUp(name)
  }

  package nonisolated func volume(
    _ name: VolumeName, wantedIn group: VolumeGroupName?
  ) async throws(VolumeError) -> StoredVolume? {
    if let known = knownActiveVolume(name) { return known }
    return try await lookUp(name, wantedIn: group ?? settings.groups[0])
  }

  package nonisolated func volumes() async throws(VolumeError) -> [StoredVolume] {
    try await catchUp()
    let pictures = published.withLock { $0.values.map(\.picture) }
    return pictures.flatMap { picture in
      picture.volumes.values.compactMap { $0.marks == nil ? nil : stored($0, in: picture) }
    }.sorted { $0.name < $1.name }
  }

  package func activate(_ volume: StoredVolume) throws(VolumeError) -> Outcome<StoredVolume> {
    let (picture, found) = try require(volume)
    let current = try requireStored(found, in: picture)
    if current.isActive {
      try requireWritable(current, in: picture)
      return .unchanged(current)
    }
    let result = try run(.activate(volume.name, in: picture.name))
    guard result.succeeded else {
      if found.isThin, result.saysNoThinDevice { throw Self.unknownToPool(volume, found.pool) }
      if let trouble = picture.changeHindrance { throw trouble.error.during("activating volume \(volume.name)") }
      throw result.failure("activating volume \(volume.name) in \(picture.name)")
    }
    if stored(found, in: picture)?.isActive != true { _ = try run(.makeNodes(in: picture.name)) }
    let activated = try requireStored(found, in: picture)
    guard activated.isActive else {
      let device = DeviceMapperName.uuid(group: picture.uuid, volume: found.uuid)
      guard DeviceMapperName.exists(device) else {
        throw VolumeError(
          .unavailable, "volume \(volume.name) in \(picture.name) is not active: \(Self.leftOutByVolumeList)")
      }
      throw VolumeError(
        .unavailable,
        "volume \(volume.name) is active but its device node \(DeviceMapperName.path(group: picture.name.text, volume: found.name)) "
          + "does not appear; is /dev shared with the host?")
    }
    try requireWritable(activated, in: picture)
    return .changed(activated)
  }

  /// LVM says nothing of it when it is told to activate such a volume.
  static let leftOutByVolumeList =
    "activation/volume_list of lvm.conf leaves it out; add the group, or @\(VolumeTags.product), to that list"

  /// A device that takes no writes serves nobody here. LVM says nothing of it either.
  func requireWritable(_ volume: StoredVolume, in picture: GroupPicture) throws(VolumeError) {
    guard case .device(let path) = volume.location, let number = try? BlockDevice.number(of: path),
      BlockDevice.isReadOnly(number)
    else { return }  // no number: no device either
    let result = try run(.permissions(volume.name, in: picture.name))
    let permissions = try LVMReport(lines: result.report).rows.first?["lv_permissions"]
    let cause =
      permissions == "read-only-override"
      ? "activation/read_only_volume_list of lvm.conf names it; take it off that list and deactivate it (lvchange -an)"
      : "LVM has it so (\(permissions ?? "unknown")); lvchange -prw \(picture.name)/\(volume.name) makes it writable"
    throw VolumeError(.unavailable, "volume \(volume.name) in \(picture.name) is read-only: \(cause)")
  }

  private static func unknownToPool(_ volume: StoredVolume, _ pool: String) -> VolumeError {
    VolumeError(
      .notFound,
      "thin pool \(volume.group)/\(pool) knows nothing of volume \(volume.name), which LVM's metadata have: its making was "
        + "interrupted, or the pool's own metadata were lost. If it never had data, remove it with elastic-local-node "
        + "remove \(volume.name); otherwise see lvconvert --repair")
  }

  /// Thick and thin volumes stay active: the next mount then needs no LVM command.
  package nonisolated func release(_ name: VolumeName) async throws(VolumeError) {}

  package nonisolated func capacity() async throws(VolumeError) -> [GroupCapacity] {
    try await catchUp()
    let pictures = published.withLock { $0 }
    let setbacks = setbacks.withLock { $0 }
    return settings.groups.compactMap { capacity(of: $0, pictures[$0], setbacks[$0]?.trouble) }
  }
}

/// A picture and the means to tell whether it still holds.
struct PublishedPicture: Sendable {
  var picture: GroupPicture
  /// Readers of the sequence number, one a physical volume with metadata; empty when none can be read.
  var sequences: [MetadataSequence]
  var readAt: Duration
  var surroundings: Surroundings
  var thinUse: ThinFill?

  /// How full and how well the pool was when the kernel was last asked.
  struct ThinFill: Sendable {
    var data: Double?
    var metadata: Double?
    /// See ``ThinPoolUse/complaint``.
    var complaint: String?
    var readAt: Duration
    var devicesFiles: DevicesFiles?

    /// Out of a row of LVM's report. LVM says "unknown" of a pool that is not active, of which the kernel knows nothing.
    init(_ row: [String: String], readAt: Duration) {
      (data, metadata) = (row["data_percent"].flatMap { Double($0) }, row["metadata_percent"].flatMap { Double($0) })
      self.readAt = readAt
      let (health, check) = (row["lv_health_status"] ?? "", row["lv_check_needed"] ?? "unknown")
      let isUnknown = check == "unknown" && health.isEmpty
      complaint = isUnknown ? nil : [health, check].filter { !$0.isEmpty && $0 != "unknown" }.joined(separator: ", ")
    }
  }

  /// Whether the group's metadata on disk is what the picture shows, and its disks are there. Two small reads, no LVM
  /// command. That a disk comes back changes no metadata: a picture that waits for one is fresh for a moment only.
  func isFresh(_ surroundings: Surroundings) -> Bool {
    if surroundings != self.surroundings { return false }
    if picture.changeHindrance != nil, MonotonicClock.now() - readAt >= LVMEngine.retryPause { return false }
    let isUnchanged = sequences.prefix(2).allSatisfy {
      $0.current(of: picture.name.text, uuid: picture.uuid) == picture.sequence
    }
    return !sequences.isEmpty && isUnchanged
      && picture.disks.allSatisfy { $0.isMissing || (try? BlockDevice.number(of: $0.path)) != nil }  // nil: it is gone
  }
}

// MARK: - Reading

extension LVMEngine {
  /// A volume of ours that the last picture shows and whose device is there, proven by the UUIDs in the kernel.
  private nonisolated func knownActiveVolume(_ name: VolumeName) -> StoredVolume? {
    let holders = published.withLock { $0.values.map(\.picture) }.filter { $0.volumes[name.text] != nil }
    guard holders.count == 1, let found = holders[0].volumes[name.text], found.marks != nil,
      let volume = stored(found, in: holders[0]), volume.isActive
    else { return nil }
    return volume
  }

  private func lookUp(_ name: VolumeName) throws(VolumeError) -> StoredVolume? {
    var matches: [StoredVolume] = []
    var failures: [VolumeError] = []
    for group in settings.groups {
      do throws(VolumeError) {
        let picture = try fresh(group)
        if let found = picture.volumes[name.text] { matches.append(try requireStored(found, in: picture)) }
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

  /// Looks into that group, and into others only where they are known to have had the volume.
  private func lookUp(_ name: VolumeName, wantedIn group: VolumeGroupName) throws(VolumeError) -> StoredVolume? {
    guard settings.groups.contains(group) else { return try lookUp(name) }
    var matches: [StoredVolume] = []
    for candidate in [group] + settings.groups.filter({ $0 != group && lastSeen(name, in: $0) }) {
      let picture = try fresh(candidate, neededFor: name)
      if let found = picture.volumes[name.text] { matches.append(try requireStored(found, in: picture)) }
    }
    try requireOne(matches, name)
    return matches.first
  }

  private func requireOne(_ matches: [StoredVolume], _ name: VolumeName) throws(VolumeError) {
    guard matches.count > 1 else { return }
    throw VolumeError(
      .conflict,
      "volume \(name) exists in more than one group (\(matches.map(\.group).joined(separator: ", "))), and nothing tells "
        + "which is meant; rename one with lvrename")
  }

  /// Looks for changes, but never waits long: a command may be stuck, or the disks that are looked at. Then the last
  /// picture has to do.
  private nonisolated func catchUp() async throws(VolumeError) {
    guard recorder.snapshot.runningSeconds == nil else { return }
    let outcome: Result<Void, VolumeError>? = await answer(within: Self.patience) { [self] in
      do throws(VolumeError) { return .success(try await refreshWhatChanged()) } catch { return .failure(error) }
    }
    try outcome?.get()
  }

  private static let patience = Duration.seconds(2)

  /// A group that cannot be read is noted, see ``setbacks``.
  private func refreshWhatChanged() throws(VolumeError) {
    for group in settings.groups {
      guard case .picture(let picture) = try freshSight(of: group) else { continue }
      if let pool = settings.thinPool { try refreshUse(of: pool, in: picture) }
    }
  }

  /// The group as it is now: the picture we have when it still holds, a report otherwise.
  func fresh(_ group: VolumeGroupName) throws(VolumeError) -> GroupPicture {
    try freshSight(of: group).requirePicture()
  }

  /// Reads the group whatever is known of it.
  @discardableResult
  func refresh(_ group: VolumeGroupName) throws(VolumeError) -> GroupPicture { try sight(of: group).requirePicture() }

  /// - Parameter surroundings: what was around when the group was read.
  func publish(_ picture: GroupPicture, _ surroundings: Surroundings) {
    published.withLock { entries in
      let known = entries[picture.name]
      let sequences =
        known?.picture.metadataDevices == picture.metadataDevices && known?.sequences.isEmpty == false
        ? known?.sequences ?? [] : picture.metadataDevices.compactMap { MetadataSequence(device: $0) }
      entries[picture.name] = PublishedPicture(
        picture: picture, sequences: sequences, readAt: MonotonicClock.now(), surroundings: surroundings,
        thinUse: known?.thinUse)
    }
  }

  /// Asks the kernel how full and how well the pool is, at most every 10 seconds: data is written without any change of
  /// metadata.
  private func refreshUse(of pool: VolumeName, in picture: GroupPicture) throws(VolumeError) {
    guard poolTrouble(in: picture) == nil else { return }
    let now = MonotonicClock.now()
    if let last = published.withLock({ $0[picture.name]?.thinUse }), now - last.readAt < .seconds(10) { return }
    let result = try run(.poolUse(pool, in: picture.name))
    guard result.succeeded else {
      // Somebody may have removed it since.
      _ = try sight(of: picture.name)
      return
    }
    let row = try LVMReport(lines: result.report).rows.first ?? [:]
    let fill = PublishedPicture.ThinFill(row, readAt: now)
    published.withLock { $0[picture.name]?.thinUse = fill }
  }

  /// What can be made in a group is nothing while something is wrong with it, whatever was free when it was last read.
  private nonisolated func capacity(
    of group: VolumeGroupName, _ entry: PublishedPicture?, _ setback: GroupTrouble?
  ) -> GroupCapacity? {
    guard let entry else { return setback.map { GroupCapacity(group: group.text, trouble: $0) } }
    var capacity = capacity(of: entry)
    if let trouble = setback ?? entry.picture.hindrance {
      capacity.close(trouble)
    } else if let trouble = poolTrouble(in: entry.picture) {
      capacity.trouble = trouble
      capacity.freeBytes = 0
    }
    return capacity
  }

  private nonisolated func capacity(of entry: PublishedPicture) -> GroupCapacity {
    let picture = entry.picture
    let ours = picture.volumes.values.filter { $0.marks != nil }
    var capacity = GroupCapacity(
      group: picture.name.text, totalBytes: picture.size.bytes, freeBytes: picture.free.bytes,
      foreignBytes: (picture.size - picture.free - picture.closed - picture.ours).bytes,
      extentBytes: picture.extentSize.bytes,
      volumes: ours.count, metadataFreeBytes: picture.metadataFree.bytes,
      metadataTotalBytes: picture.metadataSize.bytes)
    if let pool = settings.thinPool, let found = picture.volumes[pool.text] {
      let virtual = picture.virtualSize(ofPool: pool.text)
      let ceiling = thinCeiling(of: found)
      capacity.thin = ThinPoolUse(
        pool: pool.text, sizeBytes: found.size.bytes, virtualBytes: virtual.bytes, ceilingBytes: ceiling.bytes,
        dataPercent: entry.thinUse?.data, metadataPercent: entry.thinUse?.metadata,
        complaint: entry.thinUse?.complaint)
      capacity.freeBytes = (ceiling - virtual).bytes
    }
    return capacity
  }

  nonisolated func thinCeiling(of pool: GroupPicture.Volume) -> ByteCount {
    ByteCount(UInt64(Double(pool.size.bytes) * settings.thinOverprovision))
  }
}

// MARK: - Helpers

extension LVMEngine {
  func run(_ command: LVMCommand) throws(VolumeError) -> LVMSession.Result {
    let result = try waitingForLocks { () throws(VolumeError) in try openSession().run(narrow(command)) }
    // LVM has done nothing then.
    guard result.saysDuplicateNames, let group = command.group, narrowed[group] == nil, try tellApart(group) else {
      return result
    }
    return try waitingForLocks { () throws(VolumeError) in try openSession().run(narrow(command)) }
  }

  /// How long a command waits for a lock that somebody else holds.
  static let lockPatience = Duration.seconds(10)

  /// Runs a command again while somebody else has locked what it needs.
  private func waitingForLocks(
    _ command: () throws(VolumeError) -> LVMSession.Result
  ) throws(VolumeError) -> LVMSession.Result {
    let limit = MonotonicClock.now() + Self.lockPatience
    var result = try command()
    while let lock = result.lockHeldElsewhere, MonotonicClock.now() < limit {
      recorder.whileReading {
        repeat {
          ThreadSleep.sleep(.milliseconds(20))
          // Where it cannot be told the command is tried.
        } while (try? ExclusiveLock.isHeld(lock)) == true && MonotonicClock.now() < limit
      }
      result = try command()
    }
    return result
  }

  /// The session, anew when devices files have changed since it was opened.
  private func openSession() throws(VolumeError) -> LVMSession {
    guard isStarted else { throw VolumeError(.internal, "the LVM engine has not been started") }
    let current = DevicesFiles(systemDirectory: settings.systemDirectory)
    if let session, devicesFiles == current { return session }
    session = nil  // the library has one at a time
    let opened = try LVMSession(systemDirectory: settings.systemDirectory, recorder: recorder)
    (session, devicesFiles) = (opened, current)
    return opened
  }

  private func narrow(_ command: LVMCommand) -> LVMCommand {
    command.group.flatMap { narrowed[$0] }.flatMap { command.seeingOnly($0) } ?? command
  }

  /// The volume in the picture as callers see it; nil when its name is none of ours to carry.
  nonisolated func stored(_ volume: GroupPicture.Volume, in picture: GroupPicture) -> StoredVolume? {
    try? requireStored(volume, in: picture)
  }

  /// - Throws: `invalid` for a name that no PV of ours can have.
  nonisolated func requireStored(
    _ volume: GroupPicture.Volume, in picture: GroupPicture
  ) throws(VolumeError) -> StoredVolume {
    let path = DeviceMapperName.path(group: picture.name.text, volume: volume.name)
    let uuid = DeviceMapperName.uuid(group: picture.uuid, volume: volume.uuid)
    let ownership: StoredVolume.Ownership =
      volume.marks.map { .ours($0) } ?? .foreign(adoptable: volume.isPlain, kind: volume.kindDescription)
    return StoredVolume(
      name: try VolumeName(volume.name), instance: volume.uuid, location: .device(path), size: volume.size,
      group: picture.name.text, ownership: ownership, isActive: DeviceMapperName.deviceUUID(atPath: path) == uuid,
      createdAt: volume.createdAt, isThin: volume.isThin)
  }

  /// Finds exactly this instance again.
  func require(_ volume: StoredVolume) throws(VolumeError) -> (GroupPicture, GroupPicture.Volume) {
    let picture = try fresh(try VolumeGroupName(volume.group))
    guard let found = picture.volumes[volume.name.text], found.uuid == volume.instance else {
      throw VolumeError(
        .notFound, "volume \(volume.name) (\(volume.instance)) is no longer in volume group \(volume.group)")
    }
    return (picture, found)
  }
}

internal import LinuxSystem
package import StorageModel

/// Where volumes come from: one protocol, four engines (LVM, disk image file, directory, simulated), one contract test
/// suite for all of them.
///
/// An engine makes, finds, grows and removes storage. It knows nothing of file systems, mounts and pods, and never
/// looks into a volume. Callers hold the volume's lock; an engine serialises what its own storage needs.
///
/// Idempotency: every mutation answers ``Outcome/unchanged(_:)`` when the world already is as asked.
/// Failure: a mutation that throws has left nothing half-made, or says so in the error.
package protocol VolumeEngine: Sendable {
  var kind: EngineKind { get }

  /// Checks that the storage is there and usable, and brings back what a reboot took (activation). Called once, before
  /// any other method. A group that cannot be used is no failure: ``capacity()`` says what is wrong with it, and it is
  /// tried again.
  func start() async throws(VolumeError)

  /// The volume of this name, ours or foreign; nil when there is none. Runs no LVM command for a volume of ours that is
  /// known and active.
  func volume(_ name: VolumeName) async throws(VolumeError) -> StoredVolume?

  /// The same for a caller that makes the volume in `group` (nil for the first) if there is none: other groups are not
  /// asked, unless they are known to have had it, so that one that cannot be read keeps no volume from being made in
  /// another.
  func volume(_ name: VolumeName, wantedIn group: VolumeGroupName?) async throws(VolumeError) -> StoredVolume?

  /// All volumes of ours, sorted by name; of a group that cannot be read, those that it had when it last could.
  func volumes() async throws(VolumeError) -> [StoredVolume]

  /// Makes a volume of at least the asked size. A volume of that name that exists is returned unchanged, whoever owns
  /// it: the caller decides by ``StoredVolume/ownership``.
  ///
  /// - Throws: `noSpace` naming what is free and what was asked, `invalid` for an unknown group.
  func create(_ request: CreationRequest) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Makes the volume's device usable. Unchanged when it is.
  ///
  /// - Throws: `notFound` for one that is gone, and for a thin one of which its pool knows nothing: it holds nothing.
  func activate(_ volume: StoredVolume) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Tells that nobody uses the device of the volume of this name any more; an engine may detach what it holds for it
  /// (a loop device). No such volume is fine.
  func detach(_ name: VolumeName) async throws(VolumeError)

  /// Grows a volume of ours to at least `size`. Never shrinks: a volume that is large enough is unchanged.
  func extend(_ volume: StoredVolume, to size: ByteCount) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Makes a foreign volume ours. The caller has proven that it holds a file system.
  func adopt(_ volume: StoredVolume, claim: ClaimUID?) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Sets or clears the mark that forbids removal.
  func setRetained(_ volume: StoredVolume, _ isRetained: Bool) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Removes exactly this instance of the volume: ours, and of the same ``StoredVolume/instance``. A volume of the same
  /// name that was made since is left alone. Unchanged when it is gone already.
  ///
  /// - Parameter end: by when the removal has to begin, in the time of ``MonotonicClock``: the engine may be busy for long,
  ///   and what the caller has proven gets old. Nil for no limit.
  /// - Throws: `unavailable` when it could not begin in time.
  func remove(_ volume: StoredVolume, notAfter end: Duration?) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Size and space of each group, for status, metrics and the ledger, and what is wrong with it. Looks again at groups that
  /// could not be read.
  func capacity() async throws(VolumeError) -> [GroupCapacity]

  /// What the engine did last. Never blocks, not even while a command hangs.
  var activity: EngineActivity { get }
}

extension VolumeEngine {
  package func volume(
    _ name: VolumeName, wantedIn group: VolumeGroupName?
  ) async throws(VolumeError) -> StoredVolume? { try await volume(name) }

  /// Removes exactly this instance of the volume, whenever the engine comes to it.
  package func remove(_ volume: StoredVolume) async throws(VolumeError) -> Outcome<StoredVolume> {
    try await remove(volume, notAfter: nil)
  }
}

extension StoredVolume {
  /// - Throws: `unavailable` when the time has passed by which a removal had to begin.
  func requireRemoval(notAfter end: Duration?) throws(VolumeError) {
    guard let end, MonotonicClock.now() > end else { return }
    throw VolumeError(
      .unavailable,
      "volume \(name) is kept: its removal had to wait for other commands, and what was known of its PV is too old by now; "
        + "it is tried again")
  }
}

/// The engines, by the word of the `--engine` flag.
package enum EngineKind: String, Sendable, CaseIterable {
  case lvm, file, directory, simulated
}

/// The wish for a volume that does not exist yet.
package struct CreationRequest: Sendable {
  package let name: VolumeName
  /// At least this many bytes; engines round up to their unit.
  package let size: ByteCount
  package let claim: ClaimUID?
  /// Ties the volume to the permit under which it may be formatted.
  package let creation: CreationToken
  /// Without a group the engine's first one, and without a word about provisioning what the engine makes by default.
  package let deviceClass: DeviceClass

  package init(
    name: VolumeName, size: ByteCount, claim: ClaimUID?, creation: CreationToken,
    deviceClass: DeviceClass = DeviceClass()
  ) {
    self.name = name
    self.size = size
    self.claim = claim
    self.creation = creation
    self.deviceClass = deviceClass
  }
}

/// Size and space of one group: a volume group, or the disk under the file and directory engines.
package struct GroupCapacity: Sendable, Hashable {
  package var group: String
  package var totalBytes: UInt64
  /// Space for volumes that are made as the node's settings say: of the thin pool when there is one.
  package var freeBytes: UInt64
  /// Space for thick volumes.
  package var thickFreeBytes: UInt64
  /// What neither is free nor belongs to volumes of ours.
  package var foreignBytes: UInt64
  package var extentBytes: UInt64
  package var volumes: Int
  /// Space left in the group's metadata area; LVM refuses every change when it is full. Nil without LVM.
  package var metadataFreeBytes: UInt64?
  package var metadataTotalBytes: UInt64?
  package var thin: ThinPoolUse?
  /// Why no volume can be made in the group; nil when it can.
  package var trouble: GroupTrouble?

  /// A group of which nothing else is known.
  package init(group: String, trouble: GroupTrouble) {
    self.init(group: group, totalBytes: 0, freeBytes: 0, foreignBytes: 0, extentBytes: 0, volumes: 0)
    self.trouble = trouble
  }

  package init(
    group: String, totalBytes: UInt64, freeBytes: UInt64, foreignBytes: UInt64, extentBytes: UInt64, volumes: Int,
    metadataFreeBytes: UInt64? = nil, metadataTotalBytes: UInt64? = nil, thin: ThinPoolUse? = nil
  ) {
    thickFreeBytes = freeBytes
    self.group = group
    self.totalBytes = totalBytes
    self.freeBytes = freeBytes
    self.foreignBytes = foreignBytes
    self.extentBytes = extentBytes
    self.volumes = volumes
    self.metadataFreeBytes = metadataFreeBytes
    self.metadataTotalBytes = metadataTotalBytes
    self.thin = thin
  }
}

extension GroupCapacity {
  /// Leaves nothing free.
  package mutating func close(_ trouble: GroupTrouble) {
    self.trouble = trouble
    freeBytes = 0
    thickFreeBytes = 0
    if let virtual = thin?.virtualBytes { thin?.ceilingBytes = virtual }
  }
}

/// How full a thin pool is, and how well.
package struct ThinPoolUse: Sendable, Hashable {
  package var pool: String
  package var sizeBytes: UInt64
  /// Sum of the virtual sizes of the pool's volumes.
  package var virtualBytes: UInt64
  /// The most that the sum of virtual sizes may become.
  package var ceilingBytes: UInt64
  /// Nil when the kernel was not asked.
  package var dataPercent: Double?
  package var metadataPercent: Double?
  /// What the kernel holds against the pool, in LVM's words (lvmreport(7), `lv_health_status` and `lv_check_needed`): empty
  /// when nothing, nil when it was not asked. Such a pool takes no new blocks, or nothing at all.
  package var complaint: String?

  package init(
    pool: String, sizeBytes: UInt64, virtualBytes: UInt64, ceilingBytes: UInt64, dataPercent: Double? = nil,
    metadataPercent: Double? = nil, complaint: String? = nil
  ) {
    self.pool = pool
    self.sizeBytes = sizeBytes
    self.virtualBytes = virtualBytes
    self.ceilingBytes = ceilingBytes
    self.dataPercent = dataPercent
    self.metadataPercent = metadataPercent
    self.complaint = complaint
  }
}

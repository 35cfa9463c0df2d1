internal import LinuxSystem
package import StorageModel

/// A way to store volumes: one protocol, four engines (LVM, disk image file, directory, simulated), and one contract
/// test suite for all of them.
///
/// An engine creates, finds, grows and removes volumes. It knows nothing of file systems, mounts and pods, and never
/// reads a volume's content. Callers hold the volume's lock; an engine serializes what its own storage requires.
///
/// Idempotency: every mutation returns ``Outcome/unchanged(_:)`` if the state is already as requested.
/// Failure: a mutation that throws has left nothing half done, or its error says so. All methods throw ``VolumeError``.
package protocol VolumeEngine: Sendable {
  var kind: EngineKind { get }

  /// Checks that the storage is usable, and activates volumes after a reboot. Called once, before any other method. A
  /// group that cannot be used is not an error: ``capacity()`` reports its trouble, and the engine tries again later.
  func start() async throws(VolumeError)

  /// The volume of this name, ours or foreign; nil when it does not exist. Runs no LVM command for a volume of ours
  /// that is known and active.
  func volume(_ name: VolumeName) async throws(VolumeError) -> StoredVolume?

  /// Like ``volume(_:)``, for a caller that will create the volume in `group` (nil for the first) if it does not exist.
  /// Other groups are read only if they are known to have had the volume, so that an unreadable group does not prevent
  /// the creation of a volume in another.
  func volume(_ name: VolumeName, wantedIn group: VolumeGroupName?) async throws(VolumeError) -> StoredVolume?

  /// All volumes of ours, sorted by name. For an unreadable group, the volumes that it had when it was last read.
  func volumes() async throws(VolumeError) -> [StoredVolume]

  /// Creates a volume of at least the requested size. An existing volume of that name is returned unchanged, even a
  /// foreign one. The caller decides by ``StoredVolume/ownership``.
  ///
  /// - Throws: `noSpace` with the free and the requested space, `invalid` for an unknown group.
  func create(_ request: CreationRequest) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Creates a volume with the content that another volume of ours has at this moment, of at least the requested size. From
  /// then on both are independent: either can be changed, grown and removed. A file system that is mounted from the origin
  /// stays mounted, and what it has written completely is in the clone. An existing volume of the new name is returned
  /// unchanged, as by ``create(_:)``.
  ///
  /// The content is the origin's to the last byte, so the clone has the identity of its file system too.
  ///
  /// - Throws: `invalid` if the engine or the origin cannot be cloned, or for a size below the origin's; `notFound` if the
  ///   origin does not exist, `conflict` if it is another instance or in another thin pool, `unsafe` if it is not ours; and
  ///   the errors of ``create(_:)``.
  func clone(_ request: CreationRequest, of origin: CloneOrigin) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Makes the volume's device usable. Unchanged if it is already.
  ///
  /// - Throws: `notFound` for a volume that does not exist, and for a thin volume that is unknown to its thin pool and
  ///   so contains nothing.
  func activate(_ volume: StoredVolume) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Tells the engine that the volume's device is no longer used. The engine may then detach a loop device. A volume
  /// that does not exist is not an error.
  func detach(_ name: VolumeName) async throws(VolumeError)

  /// Grows a volume of ours to at least `size`. Never shrinks: a volume that is large enough is unchanged.
  func extend(_ volume: StoredVolume, to size: ByteCount) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Makes a foreign volume ours. The caller has proven that it contains a file system.
  func adopt(_ volume: StoredVolume, claim: ClaimUID?) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Sets or clears the retained mark, which forbids removal.
  func setRetained(_ volume: StoredVolume, _ isRetained: Bool) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Removes exactly this volume: ours, and of the same ``StoredVolume/instance``. A volume of the same name that was
  /// created since is not removed. Unchanged if the volume does not exist.
  ///
  /// - Parameter end: the removal must begin by this time of ``MonotonicClock``. The engine may be busy for long, and
  ///   the caller's proofs get out of date. Nil for no limit.
  /// - Throws: `unavailable` if the removal could not begin in time.
  func remove(_ volume: StoredVolume, notAfter end: Duration?) async throws(VolumeError) -> Outcome<StoredVolume>

  /// Size, free space and trouble of each group, for status, metrics and the ledger. Probes unreadable groups again.
  func capacity() async throws(VolumeError) -> [GroupCapacity]

  /// The last commands of the engine. Never blocks, not even while a command hangs.
  var activity: EngineActivity { get }
}

extension VolumeEngine {
  package func volume(
    _ name: VolumeName, wantedIn group: VolumeGroupName?
  ) async throws(VolumeError) -> StoredVolume? { try await volume(name) }

  /// Removes exactly this volume, with no time limit.
  package func remove(_ volume: StoredVolume) async throws(VolumeError) -> Outcome<StoredVolume> {
    try await remove(volume, notAfter: nil)
  }
}

extension CloneOrigin {
  /// Checks that a volume is this origin.
  ///
  /// - Parameter clone: the name of the clone, for messages.
  /// - Throws: `notFound` if there is none, `conflict` for another instance, `unsafe` for a volume that is not ours.
  package func require(_ found: StoredVolume?, for clone: VolumeName) throws(VolumeError) -> StoredVolume {
    guard let found else {
      throw VolumeError(
        .notFound,
        "volume \(clone) is to be a clone of volume \(name), which does not exist on this node; nothing was created")
    }
    guard found.marks != nil else {
      throw VolumeError(
        .unsafe,
        "volume \(clone) is to be a clone of volume \(name), which does not carry our tag; nothing was created")
    }
    guard found.instance == instance else {
      throw VolumeError(
        .conflict,
        "volume \(clone) is to be a clone of volume \(name) (\(instance)), and the volume of that name is another one "
          + "(\(found.instance)); nothing was created")
    }
    return found
  }

  /// Checks that a clone is at least as large as this origin.
  ///
  /// - Throws: `invalid` with both sizes.
  func requireFits(_ origin: ByteCount, into size: ByteCount, of clone: VolumeName) throws(VolumeError) {
    guard size < origin else { return }
    throw VolumeError(
      .invalid,
      "volume \(clone) of \(size) is to be a clone of volume \(name), which has \(origin); a clone is at least as large as "
        + "its origin. Request more")
  }
}

extension StoredVolume {
  /// - Throws: `unavailable` if the time has passed by which the removal had to begin.
  func requireRemoval(notAfter end: Duration?) throws(VolumeError) {
    guard let end, MonotonicClock.now() > end else { return }
    throw VolumeError(
      .unavailable,
      "volume \(name) is kept: its removal had to wait for other commands, and the last check of its PV is too old by now. "
        + "The removal is retried")
  }
}

/// The engines, by the value of the `--engine` flag.
package enum EngineKind: String, Sendable, CaseIterable {
  case lvm, file, directory, simulated
}

/// A request for a volume that does not exist yet.
package struct CreationRequest: Sendable {
  package let name: VolumeName
  /// At least this many bytes; engines round up to their unit.
  package let size: ByteCount
  package let claim: ClaimUID?
  /// Ties the volume to its format permit.
  package let creation: CreationToken
  /// A nil group means the engine's first group, and nil provisioning the engine's default.
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

/// Size and free space of one group: a volume group, or the disk of the file and directory engines.
package struct GroupCapacity: Sendable, Hashable {
  package var group: String
  package var totalBytes: UInt64
  /// Free space for volumes of the default provisioning: of the thin pool if there is one.
  package var freeBytes: UInt64
  /// Free space for thick volumes.
  package var thickFreeBytes: UInt64
  /// Used space, without volumes of ours.
  package var foreignBytes: UInt64
  package var extentBytes: UInt64
  package var volumes: Int
  /// Free space in the group's metadata area. When it is full, LVM refuses every change. Nil without LVM.
  package var metadataFreeBytes: UInt64?
  package var metadataTotalBytes: UInt64?
  package var thin: ThinPoolUse?
  /// Why no volume can be created in the group; nil if one can.
  package var trouble: GroupTrouble?

  /// A group that cannot be read: only the reason is known.
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
  /// Sets the free space to zero.
  package mutating func close(_ trouble: GroupTrouble) {
    self.trouble = trouble
    freeBytes = 0
    thickFreeBytes = 0
    if let virtual = thin?.virtualBytes { thin?.ceilingBytes = virtual }
  }
}

/// The use and condition of a thin pool.
package struct ThinPoolUse: Sendable, Hashable {
  package var pool: String
  package var sizeBytes: UInt64
  /// Sum of the virtual sizes of the thin pool's volumes.
  package var virtualBytes: UInt64
  /// The limit of the sum of virtual sizes.
  package var ceilingBytes: UInt64
  /// Nil if the kernel has not been asked.
  package var dataPercent: Double?
  package var metadataPercent: Double?
  /// The kernel's complaint about the thin pool, in LVM's words (lvmreport(7), `lv_health_status` and
  /// `lv_check_needed`): empty when there is none, nil if the kernel has not been asked. A thin pool with a complaint
  /// takes no new blocks, or no writes at all.
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

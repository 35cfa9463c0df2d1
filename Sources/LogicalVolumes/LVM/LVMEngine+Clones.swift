internal import LinuxSystem
package import StorageModel
internal import Synchronization

// Clones: thin snapshots of thin volumes.
extension LVMEngine {
  package func clone(
    _ request: CreationRequest, of origin: CloneOrigin
  ) throws(VolumeError) -> Outcome<StoredVolume> {
    let group = try chosenGroup(request.deviceClass.group)
    if let found = try existing(request.name, wantedIn: group) { return .unchanged(found) }
    let state = try fresh(group)
    let source = try requireOrigin(origin, in: state, for: request)
    let pool = try requirePool(of: source, for: request)
    if let trouble = state.hindrance { throw trouble.error.during("creating volume \(request.name)") }
    try requireTaking(pool, request.name, in: state)
    let size = try roundedUp(request.size, in: state)
    try origin.requireFits(source.size, into: size, of: request.name)
    try requireDeviceName(request.name, in: group)
    try requireSpace(for: size, beyond: .zero, name: request.name, pool: pool.text, in: state)

    let tags = VolumeTags.tags(
      volume: request.name, claim: request.claim, creation: request.creation, origin: origin.instance)
    let result = try run(.clone(origin.name, as: request.name, in: group, tags: tags))
    guard result.succeeded else { return try afterFailedCreation(request, in: group, result) }
    let volume = try applyCreation(request, size: source.size, pool: pool, origin: origin.instance, to: state)
    return .changed(
      try removedOnFailure(volume, in: group) { () throws(VolumeError) in
        try requireTaken(from: origin, volume, in: group)
        try requireWritable(volume, in: state)
        return size > volume.size ? try extend(volume, to: size).value : volume
      })
  }

  /// - Throws: `invalid` for a thick origin, and the errors of ``CloneOrigin/require(_:for:)``.
  private func requireOrigin(
    _ origin: CloneOrigin, in state: GroupState, for request: CreationRequest
  ) throws(VolumeError) -> GroupState.Volume {
    let found = state.volumes[origin.name.text]
    let stored = try found.map { volume throws(VolumeError) in try requireStored(volume, in: state) }
    _ = try origin.require(stored, for: request.name)
    guard let found, found.isThin else {
      throw VolumeError(
        .invalid,
        "volume \(request.name) is to be a clone of volume \(origin.name), which is thick; only thin volumes are cloned. Use "
          + "a storage class with thin: \"true\" for both")
    }
    return found
  }

  /// The thin pool of origin and clone. The clone's class must say so too, because its space is booked in that pool.
  private func requirePool(
    of source: GroupState.Volume, for request: CreationRequest
  ) throws(VolumeError) -> VolumeName {
    guard let pool = try chosenPool(request) else {
      throw VolumeError(
        .invalid,
        "volume \(request.name) is to be thick and a clone of volume \(source.name); only thin volumes are clones. Use a "
          + "storage class with thin: \"true\"")
    }
    guard pool.text == source.pool else {
      throw VolumeError(
        .conflict,
        "volume \(request.name) is to be in thin pool \(pool) and a clone of volume \(source.name), which is in "
          + "\(source.pool); a clone is in the thin pool of its origin")
    }
    return pool
  }

  /// Checks that the thin pool takes writes. LVM takes snapshots in a full one too. The first write to such a clone would
  /// wait for a minute and fail.
  private func requireTaking(
    _ pool: VolumeName, _ name: VolumeName, in state: GroupState
  ) throws(VolumeError) {
    if let trouble = poolTrouble(in: state) { throw trouble.error.during("creating volume \(name)") }
    try refreshUse(of: pool, in: state)
    guard let use = knownGroups.withLock({ $0[state.name]?.thinUse }) else { return }
    if let data = use.data, data >= 100 {
      throw VolumeError(
        .noSpace,
        "volume \(name): thin pool \(state.name)/\(pool) is full, so a clone could not be written to; extend the thin pool "
          + "(lvextend), or remove volumes from it")
    }
    if let complaint = use.complaint, !complaint.isEmpty {
      throw VolumeError(
        .unavailable, "volume \(name): thin pool \(state.name)/\(pool) takes no new volumes (\(complaint))")
    }
  }

  /// Checks that LVM has taken the snapshot of this instance. lvcreate takes the origin by its name, and another program
  /// may have given that to another volume since the group was read.
  private func requireTaken(
    from origin: CloneOrigin, _ volume: StoredVolume, in group: VolumeGroupName
  ) throws(VolumeError) {
    let result = try run(.origin(of: volume.name, in: group))
    guard result.succeeded else { throw result.failure("checking the origin of volume \(volume.name)") }
    guard try LVMReport(lines: result.report).rows.first?["origin_uuid"] == origin.instance else {
      throw VolumeError(
        .conflict,
        "volume \(origin.name) was replaced by another program while volume \(volume.name) was cloned from it; try again"
      )
    }
  }
}

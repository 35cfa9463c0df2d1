internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

// A volume that does not exist.
extension VolumePreparer {
  /// Makes the volume, with a permit to format it.
  ///
  /// - Parameter size: what is asked for.
  func create(
    _ request: VolumeRequest, _ size: ByteCount, willFormat: Bool, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    switch request.source {
    case .empty: try await requireFileSystemFits(request.name, size, request.options)
    }
    let (name, deviceClass) = (request.name, request.options.deviceClass)
    var permit = FormatPermit(volume: name, creation: context.freshToken(), progress: .planned)
    let creation = permit.creation
    let permits = permits
    let engine = engine
    try permits.write(permit)
    // While nobody can say whether the volume was made (the disk is away), the permit stays, for the next call to settle
    // by: without it a volume that was made would be taken for one that has lost its data.
    rollback.add("the permit of volume \(name)") { () async throws(VolumeError) in
      if let left = try await engine.volume(name, wantedIn: deviceClass.group), left.marks?.creation == creation {
        _ = try await engine.remove(left)
      }
      try permits.remove(name)
    }
    try await context.steps.reach(.permitWritten)

    let creationRequest = CreationRequest(
      name: name, size: size, claim: ClaimUID(provisioned: name), creation: creation, deviceClass: deviceClass)
    let outcome = try await context.measure(.create) { () async throws(VolumeError) in
      try await engine.create(creationRequest)
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
  func requireSpace(
    for name: VolumeName, _ size: ByteCount, _ deviceClass: DeviceClass
  ) async throws(VolumeError) {
    let groups = try await engine.capacity()
    guard let group = groups.first(where: { $0.group == deviceClass.group?.text ?? groups[0].group }) else { return }
    if let trouble = group.trouble {
      throw VolumeError(
        .unavailable,
        "volume \(name) cannot be made on node \(context.configuration.nodeName): \(trouble.message). It is not pinned to this "
          + "node; a pod on another node can have it")
    }
    guard group.thin == nil || deviceClass.provisioning == .thick, group.thickFreeBytes < size.bytes else { return }
    throw VolumeError(
      .noSpace,
      "volume \(name) of \(size) does not fit on node \(context.configuration.nodeName): volume group \(group.group) has "
        + "\(ByteCount(group.thickFreeBytes)) free. It is not pinned to this node; a pod on another node can have it")
  }
}

internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

// A volume that does not exist.
extension VolumePreparer {
  /// Creates the volume, with a permit to format it.
  ///
  /// - Parameter size: the requested size.
  func create(
    _ request: VolumeRequest, _ size: ByteCount, willFormat: Bool, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    try await requireFileSystemFits(request.name, size, request.options)
    let name = request.name
    var permit = try await writePermit(for: request, &rollback)
    let engine = engine
    let creationRequest = CreationRequest(request, size, permit)
    let outcome = try await context.measure(.create) { () async throws(VolumeError) in
      try await engine.create(creationRequest)
    }
    let volume = outcome.value
    guard outcome.isChange else {
      // Another program has created a volume of that name since the check.
      try permits.remove(name)
      return try await ensureOurs(volume, &rollback)
    }
    rollback.add("the creation of volume \(name)") { () async throws(VolumeError) in _ = try await engine.remove(volume)
    }
    context.log.notice(
      "volume created", ["volume": name.text, "size": "\(volume.size)", "group": volume.group])
    try await context.steps.reach(.volumeCreated)
    permit.progress = willFormat ? .formatting : .cleared
    try permits.write(permit)
    try await context.steps.reach(.volumeCleared)
    return try await engine.activate(volume).value
  }

  /// Writes the permit of a volume that is to be created.
  func writePermit(
    for request: VolumeRequest, _ rollback: inout Rollback
  ) async throws(VolumeError) -> FormatPermit {
    let (name, group) = (request.name, request.options.deviceClass.group)
    let permit = FormatPermit(volume: name, creation: context.freshToken(), progress: .planned)
    let (permits, engine) = (permits, engine)
    try permits.write(permit)
    // If it is not known whether the volume was created (the disk does not answer), the permit stays, and the next call
    // settles by it. Without the permit, the new volume would be taken for one that has lost its data.
    rollback.add("the permit of volume \(name)") { () async throws(VolumeError) in
      if let left = try await engine.volume(name, wantedIn: group), left.marks?.creation == permit.creation {
        _ = try await engine.remove(left)
      }
      try permits.remove(name)
    }
    try await context.steps.reach(.permitWritten)
    return permit
  }

  /// Checks the free space before a volume is pinned to this node for good. Until then the pod can still get the volume
  /// on another node. A thin pool may be overcommitted.
  func requireSpace(
    for name: VolumeName, _ size: ByteCount, _ deviceClass: DeviceClass
  ) async throws(VolumeError) {
    let groups = try await engine.capacity()
    guard let group = groups.first(where: { $0.group == deviceClass.group?.text ?? groups[0].group }) else { return }
    if let trouble = group.trouble {
      throw VolumeError(
        .unavailable,
        "volume \(name) cannot be created on node \(context.configuration.nodeName): \(trouble.message). It is not pinned to "
          + "this node, so it can be created on another one")
    }
    guard group.thin == nil || deviceClass.provisioning == .thick, group.thickFreeBytes < size.bytes else { return }
    throw VolumeError(
      .noSpace,
      "volume \(name) of \(size) does not fit on node \(context.configuration.nodeName): volume group \(group.group) has "
        + "\(ByteCount(group.thickFreeBytes)) free. It is not pinned to this node, so it can be created on another one")
  }
}

extension CreationRequest {
  /// The engine's part of a request, with the permit's token.
  init(_ request: VolumeRequest, _ size: ByteCount, _ permit: FormatPermit) {
    self.init(
      name: request.name, size: size, claim: ClaimUID(provisioned: request.name), creation: permit.creation,
      deviceClass: request.options.deviceClass)
  }
}

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
    _ request: VolumeRequest, willFormat: Bool, _ rollback: inout Rollback
  ) async throws(VolumeError) -> StoredVolume {
    let (name, deviceClass) = (request.name, request.options.deviceClass)
    try context.locks.throwFailure(of: name)
    try await settleUnlessCleared(name)
    if let found = try await engine.volume(name, wantedIn: deviceClass.group) {
      try await admit(found, request)
      try requireAsAsked(found, request.options)
      return try await ensureOurs(found, &rollback)
    }
    guard let size = request.options.size else {
      throw VolumeError(
        .notFound,
        "volume \(name) does not exist on node \(context.configuration.nodeName) and the call has no sizeBytes to make it with; "
          + "was it made on another node?")
    }
    if request.options.isUnpinned { try await requireSpace(for: name, size, deviceClass) }
    try await context.cluster.admitCreation(of: name, adopting: nil, by: request.consumer?.description)
    try checkCancellation(name)
    return try await create(request, size, willFormat: willFormat, &rollback)
  }

  /// A volume that carries our tag may be used without the API server; one that is to become ours may not.
  private func admit(_ found: StoredVolume, _ request: VolumeRequest) async throws(VolumeError) {
    let pod = request.consumer?.description
    if found.marks == nil {
      try await context.cluster.admitCreation(of: found.name, adopting: found, by: pod)
    } else {
      try await context.cluster.admitUse(of: found, by: pod)
    }
  }

  /// A volume that exists is taken as it is, but not from another group than was asked for.
  private func requireAsAsked(_ found: StoredVolume, _ options: VolumeOptions) throws(VolumeError) {
    if let group = options.deviceClass.group, group.text != found.group {
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
}

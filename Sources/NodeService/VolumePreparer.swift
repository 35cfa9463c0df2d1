internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// Creates a volume and its file system. Rules 1 and 2 of the design are implemented here.
///
/// Callers hold the volume's lock. Each step first checks the real state, and adds its undo to the caller's rollback.
struct VolumePreparer: Sendable {
  let context: NodeContext

  var engine: any VolumeEngine { context.engine }
  var permits: FormatPermits { context.permits }

  /// Ensures that the volume exists, carries our tag, and has a device node.
  ///
  /// - Parameter willFormat: whether this call also formats a new volume.
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
        "volume \(name) does not exist on node \(context.configuration.nodeName) and the call has no sizeBytes to create it with. "
          + "Was it created on another node?")
    }
    if request.options.isUnpinned { try await requireSpace(for: name, size, deviceClass) }
    try await context.cluster.admitCreation(
      of: name, adopting: nil, from: request.source, by: request.consumer?.description)
    try checkCancellation(name)
    switch request.source {
    case .empty: return try await create(request, size, willFormat: willFormat, &rollback)
    case .clone(let origin): return try await clone(request, size, of: origin, &rollback)
    }
  }

  /// A volume with our tag may be used without the API server. A volume that is to become ours may not.
  private func admit(_ found: StoredVolume, _ request: VolumeRequest) async throws(VolumeError) {
    let pod = request.consumer?.description
    if found.marks == nil {
      try await context.cluster.admitCreation(of: found.name, adopting: found, from: request.source, by: pod)
    } else {
      try await context.cluster.admitUse(of: found, by: pod)
    }
  }

  /// An existing volume is used as it is, except if another group is requested.
  private func requireAsAsked(_ found: StoredVolume, _ options: VolumeOptions) throws(VolumeError) {
    if let group = options.deviceClass.group, group.text != found.group {
      throw VolumeError(
        .conflict,
        "volume \(found.name) is in \(found.group), and option volumeGroup asks for \(group); one of them is wrong")
    }
    if let size = options.size, found.size < size, case .device = found.location {
      context.log.warning(
        "volume is smaller than requested",
        ["volume": found.name.text, "size": "\(found.size)", "asked": "\(size)"])
    }
  }
}

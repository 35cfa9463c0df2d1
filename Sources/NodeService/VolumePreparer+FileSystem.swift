internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

// The file system of a volume.
extension VolumePreparer {
  /// Ensures that a volume's device contains a file system that may be mounted, and returns its kind.
  ///
  /// mkfs happens only on a device that is proven blank and whose volume has a permit.
  ///
  /// - Returns: changed if it has been created; nil for a volume that is a directory.
  func ensureFileSystem(
    on volume: StoredVolume, _ options: VolumeOptions, _ rollback: inout Rollback
  ) async throws(VolumeError) -> Outcome<FileSystemKind?> {
    guard case .device(let device) = volume.location else {
      try permits.remove(volume.name)
      return .unchanged(nil)
    }
    let contents = try await context.measure(.probe) { () async throws(VolumeError) in
      try await context.system.contents(of: device, knownAs: volume.marks?.creation?.fileSystemIdentity)
    }
    switch contents {
    case .fileSystem(let type, _, _):
      return .unchanged(try accept(type, on: volume, options))
    case .blank:
      return .changed(try await format(volume, device, options, &rollback))
    case .other(let kind):
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) holds \(kind), not a file system; it is neither formatted nor mounted. Check \(device)")
    case .ambivalent(let what):
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) shows signs of more than one format (\(what)); it is neither formatted nor mounted. "
          + "Check \(device) with wipefs --no-act")
    }
  }

  private func accept(
    _ type: String, on volume: StoredVolume, _ options: VolumeOptions
  ) throws(VolumeError) -> FileSystemKind {
    guard let kind = FileSystemKind(rawValue: type) else {
      throw VolumeError(
        .unsafe, "volume \(volume.name) holds a file system of type \(quoted(type)), which is not mounted here")
    }
    if let asked = options.fileSystem, asked != kind {
      // Existing data takes precedence over the request: the file system is mounted as it is.
      context.log.warning(
        "volume holds another file system than requested",
        ["volume": volume.name.text, "found": kind.rawValue, "asked": asked.rawValue])
    }
    // A permit that still exists is obsolete, because the device was not formatted by us.
    try permits.remove(volume.name)
    return kind
  }

  /// Repairs a file system whose superblock asks for repair before the next mount.
  func repair(
    _ kind: FileSystemKind, _ volume: StoredVolume, _ device: String, _ rollback: inout Rollback
  ) async throws(VolumeError) {
    guard try await context.system.needsRepair(kind, on: device) else { return }
    context.log.notice("file system is checked and repaired", ["volume": volume.name.text, "device": device])
    try await context.perform(.checking, on: volume.name, &rollback) { [context] progress async throws(VolumeError) in
      try await context.system.repairFileSystem(
        kind, on: device, deadline: context.configuration.toolDeadline, progress: progress)
    }
  }
}

extension DeviceContents {
  /// For a message.
  var inWords: String {
    switch self {
    case .blank: "nothing that is known"
    case .fileSystem(let type, _, _): "a file system of type \(type)"
    case .other(let kind): kind
    case .ambivalent(let what): "signs of more than one format (\(what))"
    }
  }
}

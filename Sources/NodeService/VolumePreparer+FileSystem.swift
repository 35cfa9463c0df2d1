internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

// The file system on a volume.
extension VolumePreparer {
  /// Makes sure that a volume's device holds a file system that may be mounted, and says which.
  ///
  /// mkfs happens only on a device that is proven blank and whose volume has a permit.
  ///
  /// - Returns: changed when it has been made; nil for a volume that is a directory.
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
        "volume \(volume.name) holds \(kind), no file system; it is neither formatted nor mounted. Look at \(device)")
    case .ambivalent(let what):
      throw VolumeError(
        .unsafe,
        "volume \(volume.name) shows signs of more than one format (\(what)); it is neither formatted nor mounted. "
          + "Look at \(device) with wipefs --no-act")
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
      // Data comes before a wish: what is there is mounted as it is.
      context.log.warning(
        "volume holds another file system than asked for",
        ["volume": volume.name.text, "found": kind.rawValue, "asked": asked.rawValue])
    }
    // A permit that is still here speaks of a device nobody has formatted for us: it is used up.
    try permits.remove(volume.name)
    return kind
  }

  /// Repairs a file system that says it needs it before it may be mounted.
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

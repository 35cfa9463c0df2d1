internal import LinuxSystem
internal import StorageModel

extension LinuxFiles {
  /// Mounts the file system of a device. First formats the device if it has no signature of any kind, and never
  /// otherwise.
  ///
  /// - Throws: a `HostError` if the device holds anything but a file system, is blank for a read-only mount, or a step
  ///   fails.
  public func formatAndMount(
    _ device: String, at path: String, fsType: String, readOnly: Bool
  ) async throws(HostError) {
    let wanted = fsType.isEmpty ? FileSystemKind.standard.rawValue : fsType
    let found = try await contents(of: device)
    var type = wanted
    switch found {
    case .fileSystem(let existing, _, _): type = existing
    case .blank where readOnly:
      throw HostError("mount", device, reason: "it is not formatted, and a read-only mount does not format it")
    case .blank: try await format(device, wanted)
    case .other, .ambivalent:
      throw HostError("mount", device, reason: "it holds \(found), not a file system")
    }
    try await mount(device, at: path, type, readOnly)
  }

  /// Grows the file system of a device. Does nothing if the device has none.
  ///
  /// - Throws: a `HostError` if the file system's type cannot grow or the growth fails.
  public func growFileSystem(on device: String, mountedAt path: String) async throws(HostError) {
    guard case .fileSystem(let type, _, _) = try await contents(of: device) else { return }
    guard let kind = FileSystemKind(rawValue: type) else {
      throw HostError("resize", device, reason: "resize of format \(type) is not supported")
    }
    try await tool(device) { tools throws(ToolError) in try tools.grow(kind, device: device, mountPoint: path) }
  }

  private func contents(of device: String) async throws(HostError) -> DeviceContents {
    try await system { () throws(SystemError) in try DeviceContents.probe(device) }
  }

  private func format(_ device: String, _ fsType: String) async throws(HostError) {
    guard let kind = FileSystemKind(rawValue: fsType) else {
      throw HostError("format", device, reason: "file system \"\(fsType)\" is not known")
    }
    try await tool(device) { tools throws(ToolError) in
      try tools.make(kind, on: device, extraArguments: [], deadline: .seconds(3600))
    }
  }

  private func mount(_ device: String, at path: String, _ type: String, _ readOnly: Bool) async throws(HostError) {
    try await system { () throws(SystemError) in
      try Mounting.mount(
        device: device, atPath: path, fileSystem: type, flags: readOnly ? .readOnly : [], data: "")
    }
  }
}

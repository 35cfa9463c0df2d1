/// Calls `attach`, `isattached`, `waitforattach` and `mountdevice`.
struct FlexAttacher: Attacher {
  let core: FlexCore

  /// Succeeds without a device if the driver does not have the command.
  func attach(_ spec: VolumeSpec, node: String) async throws(VolumeFailure) -> String {
    try await core.call(core.calls.attach(spec, node: node))?.device ?? ""
  }

  /// Returns nil if the driver does not have the command: the state is unknown.
  func areAttached(_ specs: [VolumeSpec], node: String) async throws(VolumeFailure) -> [VolumeSpec: Bool]? {
    var result: [VolumeSpec: Bool] = [:]
    for spec in specs {
      guard let reply = try await core.call(core.calls.isAttached(spec, node: node)) else { return nil }
      result[spec] = reply.attached
    }
    return result
  }

  /// Returns the given device if the driver does not have the command.
  func waitForAttach(_ spec: VolumeSpec, device: String) async throws(VolumeFailure) -> String {
    try await core.call(core.calls.waitForAttach(spec, device: device))?.device ?? device
  }

  func deviceMountPath(_ spec: VolumeSpec) async throws(VolumeFailure) -> String {
    try await core.deviceMountPath(spec)
  }

  /// If the driver does not have the command, formats the device if it is blank, and mounts it; without a device it
  /// does nothing. The directory stays after a failure.
  func mountDevice(_ spec: VolumeSpec, device: String, at path: String) async throws(VolumeFailure) {
    guard try await core.prepare(path) else { return }
    let call = core.calls.mountDevice(spec, directory: path, device: device)
    guard try await core.call(call) == nil, !device.isEmpty else { return }
    do throws(HostError) {
      try await core.host.files.formatAndMount(device, at: path, fsType: spec.source.fsType, readOnly: spec.isReadOnly)
    } catch { throw VolumeFailure(error) }
  }
}

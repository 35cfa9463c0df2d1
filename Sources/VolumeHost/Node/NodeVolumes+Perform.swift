extension NodeVolumes {
  /// Performs an operation. A failure is reported as an Event and retried later.
  func perform(_ operation: Operation) async {
    if operation.kind == .mount, operation.spec.mode == .block { return refuseBlock(operation) }
    if operation.kind != .mount {
      // Without its plugin an operation does not start. It is retried at the next beat.
      guard await hasPlugin(operation) else { return finish(operation, .notStarted) }
    }
    do throws(VolumeFailure) {
      switch operation.kind {
      case .verify: try await verify(operation)
      case .attach: try await attach(operation)
      case .mount: try await mount(operation)
      case .unmount: try await unmount(operation)
      case .unmountDevice: try await unmountDevice(operation)
      case .detach: try await detach(operation)
      case .expand: try await expand(operation)
      }
      finish(operation, .done)
    } catch {
      sendFailure(operation, error)
      finish(operation, .failed)
    }
  }

  /// Rejects a volume in block mode. A kubelet finds no mapper in a FlexVolume plugin, logs that, and tries again at
  /// the next beat. Callers run the mappers of other plugins themselves, see `BlockMapping`.
  private func refuseBlock(_ operation: Operation) {
    let problem =
      "MapVolume.FindMapperPluginBySpec failed to find BlockVolumeMapper plugin. Volume plugin is nil. for volume "
      + "\"\(operation.spec.name)\""
    desired.update(operation.podUID) { $0.problem = problem }
    finish(operation, .notStarted)
  }

  private func hasPlugin(_ operation: Operation) async -> Bool {
    let name = pluginName(operation)
    do throws(VolumeFailure) {
      guard operation.kind == .unmountDevice else {
        _ = try await manager.plugin(named: name)
        return true
      }
      return try await manager.deviceMountable(named: name) != nil
    } catch {
      return false
    }
  }

  private func sendFailure(_ operation: Operation, _ error: VolumeFailure) {
    let name = operation.spec.name
    let pod = operation.pod?.name ?? ""
    switch operation.kind {
    case .attach:
      event("FailedAttachVolume", pod, name, "AttachVolume.Attach failed for volume \"\(name)\" : \(error)")
    case .mount: event("FailedMount", pod, name, error.message)
    case .expand: event("VolumeResizeFailed", pod, name, "NodeExpandVolume failed for volume \"\(name)\" : \(error)")
    // A kubelet writes these only into its log.
    case .verify, .unmount, .unmountDevice, .detach: return
    }
  }

  /// Records a volume that the controller has attached.
  private func verify(_ operation: Operation) async throws(VolumeFailure) {
    guard status.inUse.contains(operation.volume) else {
      throw .transient(
        "Volume has not been added to the list of VolumesInUse in the node's volume status for volume "
          + "\"\(operation.spec.name)\"")
    }
    guard let device = status.attached[operation.volume] else {
      throw .transient("Volume not attached according to node status for volume \"\(operation.spec.name)\"")
    }
    try await recordAttached(operation, device)
  }

  private func attach(_ operation: Operation) async throws(VolumeFailure) {
    guard let plugin = try await manager.attachable(for: operation.spec) else {
      throw .final("volume \"\(operation.spec.name)\" cannot be attached")
    }
    let device = try await plugin.makeAttacher().attach(operation.spec, node: host.node)
    try await recordAttached(operation, device)
  }

  private func recordAttached(_ operation: Operation, _ device: String) async throws(VolumeFailure) {
    let plugin = try await manager.plugin(for: operation.spec)
    _ = try await plugin.volumeName(of: operation.spec)
    guard actual[operation.volume] == nil else { return }
    actual[operation.volume] = ActualVolume(
      spec: operation.spec, plugin: plugin.name, hasDevice: true, device: device)
  }

  private func detach(_ operation: Operation) async throws(VolumeFailure) {
    guard let plugin = try await manager.attachable(for: operation.spec) else {
      throw .final("volume \"\(operation.spec.name)\" cannot be detached")
    }
    let name = try await plugin.volumeName(of: operation.spec)
    try await plugin.makeDetacher().detach(volume: name, node: host.node)
    actual[operation.volume] = nil
  }

  private func unmount(_ operation: Operation) async throws(VolumeFailure) {
    actual[operation.volume]?.pods[operation.podUID]?.presence = .uncertain
    let plugin = try await manager.plugin(named: pluginName(operation))
    try await plugin.makeUnmounter(volume: operation.spec.name, podUID: operation.podUID).tearDown()
    actual[operation.volume]?.pods[operation.podUID] = nil
  }

  private func unmountDevice(_ operation: Operation) async throws(VolumeFailure) {
    guard let plugin = try await manager.deviceMountable(named: pluginName(operation)) else {
      throw .final("no volume plugin matched")
    }
    let path = try await plugin.makeDeviceMounter().deviceMountPath(operation.spec)
    let others = try await plugin.deviceMountReferences(path)
    guard others.isEmpty else {
      throw .final("the device mount path \"\(path)\" is still mounted by other references \(others)")
    }
    actual[operation.volume]?.deviceMount = .uncertain
    try await plugin.makeDeviceUnmounter().unmountDevice(at: path)
    if let device = actual[operation.volume]?.device, !device.isEmpty, await host.files.isHeld(device) {
      throw .final("the device is in use when it was no longer expected to be in use")
    }
    actual[operation.volume]?.deviceMount = .absent
  }

  private func pluginName(_ operation: Operation) -> String {
    actual[operation.volume]?.plugin ?? host.version.pluginNamePrefix + operation.spec.source.driver
  }
}

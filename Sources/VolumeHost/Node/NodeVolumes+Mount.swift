extension NodeVolumes {
  /// Does everything between an attached volume and one that the pod can use.
  func mount(_ operation: Operation) async throws(VolumeFailure) {
    guard let pod = operation.pod else { return }
    let spec = operation.spec
    let plugin = try await findPlugin(spec)
    try check(operation, plugin)
    do throws(VolumeFailure) {
      let hasGrown = try await mountDevice(operation, plugin)
      let mounter = try await plugin.makeMounter(spec, pod: pod)
      do throws(VolumeFailure) { try await mounter.setUp() } catch {
        throw VolumeFailure(error.kind, "MountVolume.SetUp failed for volume \"\(spec.name)\" : \(error)")
      }
      if !hasGrown { try await grow(operation, directory: mounter.path) }
    } catch {
      recordFailedMount(operation, error)
      throw error
    }
    actual[operation.volume]?.pods[pod.uid] = .init(presence: .present, name: spec.name)
    actual[operation.volume]?.spec = spec
  }

  /// Finds the plugin. If it was removed since the volume was first processed, that is an ordinary failure with
  /// back-off.
  private func findPlugin(_ spec: VolumeSpec) async throws(VolumeFailure) -> any VolumePlugin {
    do throws(VolumeFailure) { return try await manager.plugin(for: spec) } catch {
      throw VolumeFailure(error.kind, "MountVolume.FindPluginBySpec failed for volume \"\(spec.name)\" : \(error)")
    }
  }

  private func check(_ operation: Operation, _ plugin: any VolumePlugin) throws(VolumeFailure) {
    let spec = operation.spec
    for (label, value) in spec.requiredNodeLabels where host.nodeLabels[label] != value {
      throw .final(
        "MountVolume.NodeAffinity check failed for volume \"\(spec.name)\" : no matching NodeSelectorTerms")
    }
    if !spec.mountOptions.isEmpty, !plugin.supportsMountOptions {
      throw .final(
        "MountVolume.MountOptionSupport check failed for volume \"\(spec.name)\" : "
          + "mount options are not supported for this volume type")
    }
    if host.version.stumblesOverSharedInlineVolumes, !spec.isPersistent,
      actual[operation.volume]?.pods.keys.contains(where: { $0 != operation.podUID }) ?? false
    {
      throw .final(
        "MountVolume.SetUp failed for volume \"\(spec.name)\" : recovered from panic "
          + "\"runtime error: invalid memory address or nil pointer dereference\"")
    }
  }

  /// Waits for the device and mounts it for the node. Returns true if the file system was to be grown in this step.
  private func mountDevice(_ operation: Operation, _ plugin: any VolumePlugin) async throws(VolumeFailure) -> Bool {
    let spec = operation.spec
    if let plugin = plugin as? any AttachablePlugin, plugin.canAttach(spec) {
      let known = actual[operation.volume]?.device ?? ""
      do throws(VolumeFailure) {
        actual[operation.volume]?.device = try await plugin.makeAttacher().waitForAttach(spec, device: known)
      } catch {
        throw VolumeFailure(error.kind, "MountVolume.WaitForAttach failed for volume \"\(spec.name)\" : \(error)")
      }
    }
    guard let plugin = plugin as? any DeviceMountablePlugin, plugin.canMountDevice(spec) else { return false }
    let mounter = plugin.makeDeviceMounter()
    let path = try await mounter.deviceMountPath(spec)
    let device = actual[operation.volume]?.device ?? ""
    do throws(VolumeFailure) { try await mounter.mountDevice(spec, device: device, at: path) } catch {
      throw VolumeFailure(error.kind, "MountVolume.MountDevice failed for volume \"\(spec.name)\" : \(error)")
    }
    actual[operation.volume]?.deviceMount = .present
    actual[operation.volume]?.deviceMountPath = path
    try await grow(operation, directory: path)
    return true
  }

  /// Records a failed mount. A final failure means that nothing is mounted. A volume known to be mounted stays so.
  private func recordFailedMount(_ operation: Operation, _ error: VolumeFailure) {
    guard let state = actual[operation.volume]?.pods[operation.podUID] else {
      if error.kind == .uncertain {
        actual[operation.volume]?.pods[operation.podUID] = .init(presence: .uncertain, name: operation.spec.name)
      }
      return
    }
    if error.kind == .final, state.presence == .uncertain, !host.version.reconstructsFirst {
      actual[operation.volume]?.pods[operation.podUID] = nil
    }
  }

  /// Grows the file system online, for a pod that has the volume.
  func expand(_ operation: Operation) async throws(VolumeFailure) {
    guard let pod = operation.pod else { return }
    let plugin = try await manager.plugin(for: operation.spec)
    let mounter = try await plugin.makeMounter(operation.spec, pod: pod)
    try await grow(operation, directory: mounter.path)
  }

  private func grow(_ operation: Operation, directory: String) async throws(VolumeFailure) {
    guard let state = actual[operation.volume], isOutgrown(operation.spec, state), let sizes = operation.spec.sizes,
      let plugin = try await manager.nodeExpandable(for: operation.spec), plugin.requiresFileSystemResize
    else { return }
    if operation.spec.isReadOnly { return refuseGrowth(operation) }
    if host.version.kubeletExpandsVolume, let plugin = plugin as? any ExpandablePlugin {
      _ = try await plugin.expandVolume(
        operation.spec, device: state.deviceMountPath, to: sizes.volume, from: sizes.claim)
    }
    try await plugin.expandFileSystem(
      NodeExpansion(
        spec: operation.spec, device: state.device, directory: directory, new: sizes.volume, old: sizes.claim))
    actual[operation.volume]?.grownTo = sizes.volume
    event(
      "FileSystemResizeSuccessful", operation.pod?.name ?? "", operation.spec.name,
      "MountVolume.NodeExpandVolume succeeded for volume \"\(operation.spec.name)\" ")
  }

  /// Rejects the growth of a read-only mount. The pod gets the volume anyway.
  private func refuseGrowth(_ operation: Operation) {
    event(
      "FileSystemResizeFailed", operation.pod?.name ?? "", operation.spec.name,
      "MountVolume.NodeExpandVolume failed for volume \"\(operation.spec.name)\" requested read-only file system")
  }
}

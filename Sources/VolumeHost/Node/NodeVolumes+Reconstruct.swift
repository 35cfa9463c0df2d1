extension NodeVolumes {
  /// Takes up the volumes that have directories: all of them if this comes first, otherwise those that no pod needs. A
  /// volume whose plugin is missing at this moment stays forever.
  func reconstruct(as presence: ActualVolume.Presence) async {
    for uid in await list(host.paths.pods) {
      let volumes = host.paths.volumes(ofPod: uid)
      var hasAny = false
      for plugin in await list(volumes) {
        for name in await list("\(volumes)/\(plugin)") {
          hasAny = true
          do throws(VolumeFailure) { try await reconstruct(name, pod: uid, plugin: plugin, as: presence) } catch {
            // An error of one volume must not affect the others.
            leftovers.append(Leftover(volume: name, podUID: uid, directory: plugin))
          }
        }
      }
      if desired[uid] == nil, !hasAny || !hasVolumes(uid) || host.version.removesDanglingDirectories {
        orphans.insert(uid)
      }
    }
  }

  private func list(_ path: String) async -> [String] { (try? await host.files.directories(in: path)) ?? [] }

  private func reconstruct(
    _ name: String, pod uid: String, plugin directory: String, as presence: ActualVolume.Presence
  ) async throws(VolumeFailure) {
    if !host.version.reconstructsFirst, desired[uid]?.volumes[name] != nil { return }
    guard let driver = DriverName(directory: directory) else { return }
    let plugin = try await manager.plugin(named: driver.description)
    let spec = try await plugin.reconstruct(volume: name, podUID: uid)
    if let device = plugin as? any DeviceMountablePlugin, device.canMountDevice(spec) {
      try await reconstruct(spec, pod: uid, driver, device, as: presence)
    } else {
      let unique = UniqueVolumeName.pod(plugin: plugin.name, uid: uid, volume: name)
      add(spec, unique, plugin.name, hasDevice: false, pod: uid, presence)
    }
  }

  /// Takes up one volume. A volume with a device must be a mount point.
  private func reconstruct(
    _ spec: VolumeSpec, pod uid: String, _ driver: DriverName, _ plugin: any DeviceMountablePlugin,
    as presence: ActualVolume.Presence
  ) async throws(VolumeFailure) {
    let path = host.paths.volume(spec.name, ofPod: uid, driver: driver)
    let name = try await plugin.volumeName(of: spec)
    guard (try? await host.state(of: path)) == .mountPoint else {
      throw .final("volume \(spec.name) of pod \(uid) is not mounted")
    }
    let unique = UniqueVolumeName.device(plugin: plugin.name, volume: name)
    add(spec, unique, plugin.name, hasDevice: true, pod: uid, presence)
    actual[unique]?.deviceMount = presence
    actual[unique]?.deviceMountPath = host.paths.deviceMount(name, driver: driver)
  }

  private func add(
    _ spec: VolumeSpec, _ unique: UniqueVolumeName, _ plugin: String, hasDevice: Bool, pod uid: String,
    _ presence: ActualVolume.Presence
  ) {
    let new = ActualVolume(
      spec: spec, plugin: plugin, hasDevice: hasDevice, device: status.attached[unique] ?? "")
    actual[unique, default: new].pods[uid] = .init(presence: presence, name: spec.name)
  }
}

/// A volume's directory that could not be reconstructed after a restart.
struct Leftover {
  let volume: String
  let podUID: String
  /// `vendor~driver`.
  let directory: String
}

extension NodeVolumes {
  /// Tears down a leftover that no pod needs. Does it once and ignores the result.
  func cleanUp(_ leftover: Leftover) async {
    guard desired[leftover.podUID] == nil, let driver = DriverName(directory: leftover.directory),
      let plugin = try? await manager.plugin(named: driver.description)
    else { return }
    try? await plugin.makeUnmounter(volume: leftover.volume, podUID: leftover.podUID).tearDown()
  }
}

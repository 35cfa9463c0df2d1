extension NodeVolumes {
  /// Finds plugins for the volumes of pods that are new, have changed, or had none the last time.
  func populate() async {
    for uid in desired.all.map(\.pod.uid) {
      guard let entry = desired[uid], let due = entry.dueAt, due <= host.time.now else { continue }
      desired.update(uid) { $0.dueAt = nil }
      await populate(entry.pod)
    }
  }

  private func populate(_ pod: Pod) async {
    var problem: String?
    for spec in pod.volumes {
      do throws(VolumeFailure) {
        let volume = try await resolve(spec, pod)
        desired.update(pod.uid) { $0.volumes[spec.name] = volume }
      } catch {
        problem = "failed to get Plugin from volumeSpec for volume \"\(spec.name)\" err=\(error)"
      }
    }
    if let problem, desired[pod.uid]?.problem != problem { event("FailedMount", pod.name, "", problem) }
    let again = problem == nil ? nil : host.time.now + behaviour.podRetry
    desired.update(pod.uid) { entry in
      entry.problem = problem
      entry.dueAt = entry.dueAt ?? again
    }
  }

  private func resolve(_ spec: VolumeSpec, _ pod: Pod) async throws(VolumeFailure) -> DesiredVolume {
    let plugin = try await manager.plugin(for: spec)
    guard let device = plugin as? any DeviceMountablePlugin, device.canMountDevice(spec) else {
      return DesiredVolume(
        spec: spec, unique: .pod(plugin: plugin.name, uid: pod.uid, volume: spec.name), hasDevice: false)
    }
    let name = try await device.volumeName(of: spec)
    return DesiredVolume(spec: spec, unique: .device(plugin: plugin.name, volume: name), hasDevice: true)
  }
}

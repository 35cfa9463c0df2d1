// The life of a volume, in the kubelet's order.
extension SanityBench {
  /// Does everything up to a pod that has the volume. Returns the volume's directory.
  @discardableResult
  func setUp(_ spec: VolumeSpec, _ pod: Pod) async throws -> String {
    let plugin = try plugin()
    if let plugin = plugin as? AttachableFlexVolumePlugin {
      let attacher = plugin.makeAttacher()
      var device = try await attacher.attach(spec, node: host.node)
      device = try await attacher.waitForAttach(spec, device: device)
      try await attacher.mountDevice(spec, device: device, at: attacher.deviceMountPath(spec))
    }
    let mounter = try await plugin.makeMounter(spec, pod: pod)
    try await mounter.setUp()
    return mounter.path
  }

  func tearDown(_ spec: VolumeSpec, _ pod: Pod) async throws {
    try await plugin().makeUnmounter(volume: spec.name, podUID: pod.uid).tearDown()
  }

  /// Does everything after the last pod.
  func unmountAndDetach(_ spec: VolumeSpec) async throws {
    guard let plugin = try plugin() as? AttachableFlexVolumePlugin else { return }
    try await plugin.makeDeviceUnmounter().unmountDevice(at: plugin.makeDeviceMounter().deviceMountPath(spec))
    try await plugin.makeDetacher().detach(volume: spec.name, node: host.node)
  }

  /// Gives a pod a volume while `body` runs, and removes it again whatever happens.
  func withVolume(
    _ spec: VolumeSpec, group: UInt32? = nil, _ body: (String, Pod) async throws -> Void
  ) async throws {
    let pod = pod(spec, group: group)
    do {
      try await body(try await setUp(spec, pod), pod)
    } catch {
      // The case has failed already. The last case finds what cannot be torn down now.
      try? await tearDown(spec, pod)
      try? await unmountAndDetach(spec)
      throw error
    }
    try await tearDown(spec, pod)
    try await unmountAndDetach(spec)
  }

  /// Returns the call that mounts for a pod, with an empty directory made as by a kubelet.
  func preparedMount(_ spec: VolumeSpec, _ pod: Pod) async throws -> (call: DriverCall, path: String) {
    let path = path(spec, pod)
    try await host.files.makeDirectory(path)
    return (calls.mount(spec, directory: path, pod: pod), path)
  }
}

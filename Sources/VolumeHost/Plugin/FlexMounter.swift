/// Calls `mount`.
struct FlexMounter: Mounter {
  let core: FlexCore
  let spec: VolumeSpec
  let pod: Pod

  var path: String { core.host.paths.volume(spec.name, ofPod: pod.uid, driver: core.driver.name) }
  var metrics: any MetricsProvider { core.metrics(at: path) }
  var attributes: VolumeAttributes {
    VolumeAttributes(
      readOnly: spec.isReadOnly, managed: !spec.isReadOnly, supportsRelabel: core.capabilities.selinuxRelabel)
  }

  func setUp() async throws(VolumeFailure) {
    guard try await core.prepare(path) else { return }
    do throws(VolumeFailure) {
      try await mount()
    } catch {
      // The directory stays if it is not empty or if the driver left a mount behind.
      if core.host.version.removesDirectoryOfFailedMount { try? await core.host.files.removeDirectory(path) }
      throw error
    }
    await setOwnership()
  }

  private func mount() async throws(VolumeFailure) {
    let secret = try await findSecret()
    let call = core.calls.mount(spec, directory: path, pod: pod, secret: secret)
    if try await core.call(call) == nil { try await bindDevice() }
  }

  /// Mounts for a driver that leaves `mount` to the kubelet.
  private func bindDevice() async throws(VolumeFailure) {
    let source = try await core.deviceMountPath(spec)
    do throws(HostError) { try await core.host.files.bind(source, to: path) } catch { throw VolumeFailure(error) }
  }

  /// Gives the files to the pod's group. Drops the error, as a kubelet does: the pod starts and may find files that it
  /// cannot use.
  private func setOwnership() async {
    guard let group = pod.group, !spec.isReadOnly, core.capabilities.fsGroup else { return }
    let ownership = VolumeOwnership(
      group: group, policy: pod.groupPolicy ?? .always, includesLinks: core.host.version.ownsSymbolicLinks)
    try? await core.host.files.setOwnership(of: path, ownership)
  }
}

extension FlexMounter {
  private func findSecret() async throws(VolumeFailure) -> Secret? {
    guard let reference = spec.source.secret else { return nil }
    let namespace = reference.namespace ?? pod.namespace
    let found = await core.host.secrets.secret(reference.name, namespace: namespace)
    let start = core.host.version.beginsMessagesSmall ? "couldn't" : "Couldn't"
    guard let secret = found else {
      throw .final(
        "\(start) get secret \(namespace)/\(reference.name) err: secrets \"\(reference.name)\" not found")
    }
    guard secret.type == spec.source.driver else {
      throw .final(
        "\(start) get secret \(namespace)/\(reference.name) err: cannot get secret of type \(spec.source.driver)")
    }
    return secret
  }
}

extension FlexCore {
  /// Creates the directory if it is missing. Returns false if something is mounted on it; there is nothing to do then.
  func prepare(_ path: String) async throws(VolumeFailure) -> Bool {
    do throws(HostError) {
      switch try await host.state(of: path) {
      case .mountPoint: return false
      case .plain: return true
      case .missing:
        try await host.files.makeDirectory(path)
        return true
      }
    } catch { throw VolumeFailure(error) }
  }

  func metrics(at path: String) -> any MetricsProvider {
    guard capabilities.supportsMetrics else { return NoMetrics() }
    return FileSystemMetrics(path: path, files: host.files, time: host.time)
  }
}

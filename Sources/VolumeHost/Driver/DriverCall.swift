/// A call to a driver, before it is made.
public struct DriverCall: Hashable, Sendable {
  /// The command.
  public let command: DriverCommand
  /// The arguments after the command.
  public let arguments: [String]

  /// Creates a call from its parts.
  public init(_ command: DriverCommand, _ arguments: [String] = []) {
    self.command = command
    self.arguments = arguments
  }

  /// The command line without the executable.
  public var line: [String] { [command.rawValue] + arguments }
}

/// Builds calls as the kubelet of one version does. docs/flexvolume.md documents them.
public struct DriverCalls: Hashable, Sendable {
  /// The version whose calls these are.
  public let version: KubernetesVersion

  /// Creates the calls of a version.
  public init(version: KubernetesVersion) { self.version = version }

  /// `init`.
  public func initialize() -> DriverCall { DriverCall(.initialize) }

  /// `getvolumename OPTIONS`.
  public func getVolumeName(_ spec: VolumeSpec) -> DriverCall { DriverCall(.getVolumeName, [options(spec)]) }

  /// `attach OPTIONS NODE`.
  public func attach(_ spec: VolumeSpec, node: String) -> DriverCall { DriverCall(.attach, [options(spec), node]) }

  /// `waitforattach DEVICE OPTIONS`. The device may be empty.
  public func waitForAttach(_ spec: VolumeSpec, device: String) -> DriverCall {
    DriverCall(.waitForAttach, [device, options(spec)])
  }

  /// `isattached OPTIONS NODE`. Up to 1.8 `isattached NODE OPTIONS`.
  public func isAttached(_ spec: VolumeSpec, node: String) -> DriverCall {
    let arguments = [options(spec), node]
    return DriverCall(.isAttached, version.isAttachedNamesNodeFirst ? arguments.reversed() : arguments)
  }

  /// `detach VOLUME NODE`, with the volume's name instead of its device.
  public func detach(volume: String, node: String) -> DriverCall { DriverCall(.detach, [volume, node]) }

  /// `mountdevice DIRECTORY DEVICE OPTIONS`.
  public func mountDevice(_ spec: VolumeSpec, directory: String, device: String) -> DriverCall {
    DriverCall(.mountDevice, [directory, device, options(spec)])
  }

  /// `unmountdevice DIRECTORY`.
  public func unmountDevice(directory: String) -> DriverCall { DriverCall(.unmountDevice, [directory]) }

  /// `mount DIRECTORY OPTIONS`. The options include the pod's names, its group and the secret.
  public func mount(_ spec: VolumeSpec, directory: String, pod: Pod, secret: Secret? = nil) -> DriverCall {
    var extra =
      secret?.data.reduce(into: [String: String]()) { $0["kubernetes.io/secret/\($1.key)"] = Base64.encode($1.value) }
      ?? [:]
    if version.sendsPod {
      extra["kubernetes.io/pod.name"] = pod.name
      extra["kubernetes.io/pod.namespace"] = pod.namespace
      extra["kubernetes.io/pod.uid"] = pod.uid
      extra["kubernetes.io/serviceAccount.name"] = pod.serviceAccount
    }
    if let group = pod.group { extra[version.groupKey] = String(group) }
    return DriverCall(.mount, [directory, options(spec, extra)])
  }

  /// `unmount DIRECTORY`.
  public func unmount(directory: String) -> DriverCall { DriverCall(.unmount, [directory]) }

  /// `expandvolume OPTIONS DEVICE-DIRECTORY NEW-BYTES OLD-BYTES`. Nil before 1.13.
  public func expandVolume(_ spec: VolumeSpec, device: String, to new: Int64, from old: Int64) -> DriverCall? {
    guard version.knowsExpansion else { return nil }
    return DriverCall(.expandVolume, [options(spec), device, String(new), String(old)])
  }

  /// `expandfs OPTIONS DEVICE DIRECTORY NEW-BYTES OLD-BYTES`. The device is empty for a driver that does not attach.
  /// Nil before 1.13.
  public func expandFileSystem(
    _ spec: VolumeSpec, device: String, directory: String, to new: Int64, from old: Int64
  ) -> DriverCall? {
    guard version.knowsExpansion else { return nil }
    return DriverCall(.expandFileSystem, [options(spec), device, directory, String(new), String(old)])
  }

  /// Returns the three options of every call, then those of this call, then the user's. Later ones override earlier
  /// ones.
  private func options(_ spec: VolumeSpec, _ extra: [String: String] = [:]) -> String {
    var options = [
      "kubernetes.io/fsType": spec.source.fsType,
      "kubernetes.io/readwrite": spec.isReadOnly ? "ro" : "rw",
      "kubernetes.io/pvOrVolumeName": spec.name,
    ]
    options.merge(extra) { $1 }
    options.merge(spec.source.options) { $1 }
    return OptionsText.encode(options, version: version)
  }
}

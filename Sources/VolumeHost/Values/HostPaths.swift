/// The kubelet's directories.
public struct HostPaths: Hashable, Sendable {
  /// The kubelet's root, usually /var/lib/kubelet; no slash at the end.
  public let root: String

  /// Paths below a root directory.
  public init(root: String = "/var/lib/kubelet") {
    self.root = root.count > 1 && root.hasSuffix("/") ? String(root.dropLast()) : root
  }

  /// `<root>/pods`.
  public var pods: String { "\(root)/pods" }
  /// A pod's directory.
  public func pod(_ uid: String) -> String { "\(pods)/\(uid)" }
  /// Where a pod's volumes are, by plugin.
  public func volumes(ofPod uid: String) -> String { "\(pod(uid))/volumes" }
  /// Where a pod finds a volume: `pods/<uid>/volumes/<vendor~driver>/<volume>`.
  public func volume(_ name: String, ofPod uid: String, driver: DriverName) -> String {
    "\(volumes(ofPod: uid))/\(driver.directory)/\(name)"
  }
  /// Where a device is mounted once for all pods of the node; here the driver's name keeps its slash.
  public func deviceMount(_ name: String, driver: DriverName) -> String {
    "\(root)/plugins/kubernetes.io/flexvolume/\(driver)/mounts/\(name)"
  }
}

/// The kubelet's directories for volumes in block mode. FlexVolume has none; a plugin that has lives here.
public struct BlockPaths: Hashable, Sendable {
  private let root: String

  /// Paths below the kubelet's root directory.
  public init(_ paths: HostPaths) { root = paths.root }

  /// `plugins/kubernetes.io/<plugin>/volumeDevices/<volume>`, where each pod that uses the device has an entry.
  public func global(plugin: String, volume: String) -> String {
    "\(root)/plugins/kubernetes.io/\(plugin)/volumeDevices/\(volume)"
  }
  /// A pod's entry there.
  public func global(plugin: String, volume: String, pod uid: String) -> String {
    "\(global(plugin: plugin, volume: volume))/\(uid)"
  }
  /// `pods/<uid>/volumeDevices/<plugin, slashes as ~>`, where a pod's links are.
  public func podDirectory(_ uid: String, plugin: String) -> String {
    let escaped = plugin.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~")
    return "\(root)/pods/\(uid)/volumeDevices/\(escaped)"
  }
  /// `pods/<uid>/volumeDevices/<plugin, slashes as ~>/<volume>`: the link that the pod's runtime follows.
  public func pod(_ uid: String, plugin: String, volume: String) -> String {
    "\(podDirectory(uid, plugin: plugin))/\(volume)"
  }
  /// Where a volume is mapped for a pod.
  public func places(plugin: String, volume: String, pod uid: String) -> BlockMapping.Places {
    BlockMapping.Places(
      global: global(plugin: plugin, volume: volume), pod: podDirectory(uid, plugin: plugin), volume: volume,
      podUID: uid)
  }
}

/// The kubelet's directories.
public struct HostPaths: Hashable, Sendable {
  /// The kubelet's root, usually /var/lib/kubelet. It has no slash at the end.
  public let root: String

  /// Creates paths below a root directory.
  public init(root: String = "/var/lib/kubelet") {
    self.root = root.count > 1 && root.hasSuffix("/") ? String(root.dropLast()) : root
  }

  /// `<root>/pods`.
  public var pods: String { "\(root)/pods" }
  /// Returns a pod's directory.
  public func pod(_ uid: String) -> String { "\(pods)/\(uid)" }
  /// Returns the directory of a pod's volumes, which has a directory for each plugin.
  public func volumes(ofPod uid: String) -> String { "\(pod(uid))/volumes" }
  /// Returns the directory of a pod's volume: `pods/<uid>/volumes/<vendor~driver>/<volume>`.
  public func volume(_ name: String, ofPod uid: String, driver: DriverName) -> String {
    "\(volumes(ofPod: uid))/\(driver.directory)/\(name)"
  }
  /// Returns the directory where a device is mounted once for all pods of the node. Here the driver's name keeps its
  /// slash.
  public func deviceMount(_ name: String, driver: DriverName) -> String {
    "\(root)/plugins/kubernetes.io/flexvolume/\(driver)/mounts/\(name)"
  }
}

/// The kubelet's directories for volumes in block mode. FlexVolume has none; this is for other plugins.
public struct BlockPaths: Hashable, Sendable {
  private let root: String

  /// Creates paths below the kubelet's root directory.
  public init(_ paths: HostPaths) { root = paths.root }

  /// Returns `plugins/kubernetes.io/<plugin>/volumeDevices/<volume>`, which has an entry for each pod that uses the
  /// device.
  public func global(plugin: String, volume: String) -> String {
    "\(root)/plugins/kubernetes.io/\(plugin)/volumeDevices/\(volume)"
  }
  /// Returns a pod's entry in that directory.
  public func global(plugin: String, volume: String, pod uid: String) -> String {
    "\(global(plugin: plugin, volume: volume))/\(uid)"
  }
  /// Returns `pods/<uid>/volumeDevices/<plugin, slashes as ~>`, the directory of a pod's links.
  public func podDirectory(_ uid: String, plugin: String) -> String {
    let escaped = plugin.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~")
    return "\(root)/pods/\(uid)/volumeDevices/\(escaped)"
  }
  /// Returns `pods/<uid>/volumeDevices/<plugin, slashes as ~>/<volume>`, the link that the container runtime follows.
  public func pod(_ uid: String, plugin: String, volume: String) -> String {
    "\(podDirectory(uid, plugin: plugin))/\(volume)"
  }
  /// Returns the places where a volume is mapped for a pod.
  public func places(plugin: String, volume: String, pod uid: String) -> BlockMapping.Places {
    BlockMapping.Places(
      global: global(plugin: plugin, volume: volume), pod: podDirectory(uid, plugin: plugin), volume: volume,
      podUID: uid)
  }
}

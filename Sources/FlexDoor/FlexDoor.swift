package import NodeService
package import StorageModel

/// FlexVolume: kubelet's directories, by their names.
package struct FlexDoor: Door {
  private let kubeletRoot: String

  /// - Parameter kubeletRoot: kubelet's root directory as kubelet writes it into paths.
  package init(kubeletRoot: String) { self.kubeletRoot = kubeletRoot }

  package var targetDirectories: [[String]] { [["pods"], FlexPath.globalPrefix] }

  package func claims(_ mountPoint: String, for volume: VolumeName) -> Bool {
    mountPoint.hasSuffix("/\(ProductNames.escapedDriver)/\(volume)")
      || mountPoint.hasSuffix("/" + FlexPath.globalComponents(of: volume).joined(separator: "/"))
  }

  package func isPodDirectory(_ mountPoint: String, of volume: VolumeName) -> Bool {
    mountPoint.hasSuffix("/volumes/\(ProductNames.escapedDriver)/\(volume)")
  }

  /// On the attach path kubelet has the volume mounted at its own global directory.
  package func deviceTarget(of volume: VolumeName) -> PublishTarget? {
    PublishTarget(volume, root: kubeletRoot, components: FlexPath.globalComponents(of: volume), kind: .device)
  }
}

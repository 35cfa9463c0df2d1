package import LinuxSystem
package import StorageModel

/// Checks that kubelet sees mounts below its root directory.
///
/// If the daemon has its own mount namespace, kubelet may not see its mounts. Kubelet would then start the pod on the
/// empty directory below, and the pod would write to the node's own disk.
package enum KubeletRootCheck {
  /// - Parameters:
  ///   - root: the real path of kubelet's root directory.
  /// - directories: the directories below the root in which mounts are made, component by component. Each may be a
  ///   mount of its own.
  ///   - table: the daemon's own mounts.
  /// - firstProcess: the mounts of process 1, if they can be read.
  /// - Throws: `unavailable` with the mount and what to change.
  package static func requireShared(
    _ root: String, _ directories: [[String]], _ table: MountTable, firstProcess: MountTable?
  ) throws(VolumeError) {
    for path in directories.map({ ([root] + $0).joined(separator: "/") }) {
      guard let mount = table.covering(path) else {
        throw VolumeError(.internal, "no mount of the daemon's mount namespace covers \(path)")
      }
      if mount.peerGroup == nil { throw unreachable(root, mount, "is not shared") }
      // The mount namespace of a systemd unit receives the host's mounts but does not pass on its own (systemd.exec(5),
      // MountFlags=).
      if let master = mount.masterGroup, firstProcess?.entries.contains(where: { $0.peerGroup == master }) == true {
        throw unreachable(root, mount, "receives mounts of the host and gives none back")
      }
    }
  }

  private static func unreachable(_ root: String, _ mount: MountEntry, _ found: String) -> VolumeError {
    VolumeError(
      .unavailable,
      "kubelet would not see volumes below its root \(root): the daemon's mount of \(mount.mountPoint) \(found). In a pod, "
        + "mount the directory with mountPropagation: Bidirectional. In a systemd unit, remove settings that give it a mount "
        + "namespace of its own (PrivateTmp=, ProtectSystem=, PrivateMounts= and the like) and MountFlags=. On a host whose "
        + "mounts are not shared, run mount --make-rshared / before kubelet starts")
  }
}

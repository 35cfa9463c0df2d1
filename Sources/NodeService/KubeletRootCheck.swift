package import LinuxSystem
package import StorageModel

/// Whether mounts below kubelet's root directory reach kubelet.
///
/// A daemon in a mount namespace of its own mounts a volume where only it sees it: kubelet would start the pod on the empty
/// directory below, and the pod would write to the node's own disk.
package enum KubeletRootCheck {
  /// - Parameters:
  ///   - root: the real path of kubelet's root directory.
  ///   - directories: those below the root in which mounts are made, component by component. Each may be a mount of its own.
  ///   - table: the daemon's own mounts.
  ///   - firstProcess: the mounts of process 1, where they can be read.
  /// - Throws: `unavailable` naming the mount and what to change.
  package static func requireShared(
    _ root: String, _ directories: [[String]], _ table: MountTable, firstProcess: MountTable?
  ) throws(VolumeError) {
    for path in directories.map({ ([root] + $0).joined(separator: "/") }) {
      guard let mount = table.covering(path) else {
        throw VolumeError(.internal, "no mount of the daemon's mount namespace covers \(path)")
      }
      if mount.peerGroup == nil { throw unreachable(root, mount, "is not shared") }
      // A unit's own namespace receives the host's mounts and keeps its own (systemd.exec(5), MountFlags=).
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

internal import LinuxSystem
package import StorageModel

// Whether kubelet sees the daemon's mounts.
extension LinuxNodeSystem {
  package func prepareMounting(root: String, directories: [[String]]) async throws(VolumeError) {
    let path = try await realKubeletRoot(root)
    let (table, first) = try await run("reading the mount table") { () throws(SystemError) in
      (try MountTable.current(), MountTable.ofFirstProcess())
    }
    try KubeletRootCheck.requireShared(path, directories, table, firstProcess: first)
    try await run("unmounting \(bindingDirectory)") { [bindingDirectory] () throws(SystemError) in
      try Mounting.clear(way: bindingDirectory)
    }
  }

  private func realKubeletRoot(_ root: String) async throws(VolumeError) -> String {
    do throws(SystemError) {
      return try await pool(.table).run { () throws(SystemError) in
        try SafePath.openDirectory(root: root, components: []).path
      }
    } catch {
      guard error.errno == .noEntry || error.errno == .notDirectory else {
        throw VolumeError(error, during: "checking kubelet's root directory \(root)")
      }
      let found = error.errno == .noEntry ? "does not exist" : "is not a directory"
      throw VolumeError(
        .notFound,
        "kubelet's root directory \(root) \(found). Set --kubelet-root (ELASTIC_LOCAL_KUBELET_ROOT) to kubelet's --root-dir; "
          + "kubelet creates the directory when it starts for the first time")
    }
  }
}

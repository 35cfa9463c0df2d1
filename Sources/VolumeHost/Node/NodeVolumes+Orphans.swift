extension NodeVolumes {
  /// Removes the directories of removed pods, each only if it is empty. Old releases do not touch volume directories.
  /// No release touches a directory with a mount; such a pod stays an orphan.
  func removeOrphans() async {
    for uid in orphans.sorted() where !hasVolumes(uid) && desired[uid] == nil {
      if await removeOrphan(uid) { orphans.remove(uid) }
    }
  }

  private func removeOrphan(_ uid: String) async -> Bool {
    let volumes = host.paths.volumes(ofPod: uid)
    do throws(HostError) {
      for plugin in try await host.files.directories(in: volumes) {
        try await removeVolumes(in: "\(volumes)/\(plugin)")
      }
      try await host.files.removeDirectory(volumes)
      try await host.files.removeDirectory(host.paths.pod(uid))
      return true
    } catch {
      return false
    }
  }

  private func removeVolumes(in directory: String) async throws(HostError) {
    if host.version.removesDanglingDirectories {
      for name in try await host.files.directories(in: directory) {
        let path = "\(directory)/\(name)"
        if try await host.state(of: path) == .plain { try await host.files.removeDirectory(path) }
      }
    }
    try await host.files.removeDirectory(directory)
  }
}

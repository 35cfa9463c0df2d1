package import LinuxSystem
package import StorageModel

// Copies of file systems, which clones begin with.
extension LinuxNodeSystem {
  package func flush(_ mount: MountEntry) async throws(VolumeError) {
    try await run(.mount, mount.source, "flushing the file system at \(mount.mountPoint)") { () throws(SystemError) in
      try FileSystemCopy.flush(mountPoint: mount.mountPoint)
    }
  }

  package func needsMount(asCopy kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool {
    try await run(.mount, device, "reading the superblock of \(device)") { () throws(SystemError) in
      try FileSystemCopy.needsMount(kind, on: device)
    }
  }

  package func separateCopy(
    _ kind: FileSystemKind, on device: String, as identity: FileSystemIdentity
  ) async throws(VolumeError) {
    try await changing(kind, device) { () throws(SystemError) in
      try FileSystemCopy.separate(kind, on: device, as: identity)
    }
  }

  package func identifyCopy(
    _ kind: FileSystemKind, on device: String, mountedAt mountPoint: String?, as identity: FileSystemIdentity
  ) async throws(VolumeError) {
    try await changing(kind, device) { () throws(SystemError) in
      try FileSystemCopy.identify(kind, on: device, mountedAt: mountPoint, as: identity)
    }
  }

  private func changing(
    _ kind: FileSystemKind, _ device: String, _ body: @Sendable @escaping () throws(SystemError) -> Void
  ) async throws(VolumeError) {
    let activity = "giving the \(kind.rawValue) on \(device) an identity of its own"
    do throws(SystemError) {
      try await pool(.mount, device).run(body)
    } catch {
      // ENOTTY: an XFS is labelled while it is mounted since Linux 4.18.
      guard error.errno == .notSupported || error.errno == .notTerminal else {
        throw VolumeError(error, during: activity)
      }
      throw VolumeError(.invalid, "\(activity): \(error); this file system cannot be cloned on this node", cause: error)
    }
  }
}

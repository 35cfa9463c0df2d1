package import LinuxSystem
package import StorageModel

// The content of a device.
extension LinuxNodeSystem {
  package func complaint(about mount: MountEntry) async throws(VolumeError) -> FileSystemComplaint? {
    try await run(.look, mount.source, "checking the file system at \(mount.mountPoint)") { () throws(SystemError) in
      try FileSystemComplaint.about(mount)
    }
  }

  package func contents(
    of device: String, knownAs identity: FileSystemIdentity?
  ) async throws(VolumeError) -> DeviceContents {
    try await run(.mount, device, "probing \(device)") { () throws(SystemError) in
      try DeviceContents.probe(device, knownAs: identity)
    }
  }

  package func isFinished(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool {
    // mkfs.ext4 writes the superblock last, and mkfs.btrfs its final magic number. So a file system that libblkid finds
    // is finished.
    guard kind == .xfs else { return true }
    return try await run(.mount, device, "reading the superblock of \(device)") { () throws(SystemError) in
      try !DeviceContents.xfsIsInProgress(device)
    }
  }
}

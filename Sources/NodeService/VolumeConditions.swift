internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel

/// Whether the file systems of volumes in use are well.
struct VolumeConditions: Sendable {
  let context: NodeContext

  /// What the kernel holds against volumes that are mounted somewhere.
  func complaints() async throws(VolumeError) -> [VolumeName: FileSystemComplaint] {
    let volumes = try await context.engine.volumes()
    let mounts = try await context.system.mounts(ofAll: volumes.map(\.location))
    var result: [VolumeName: FileSystemComplaint] = [:]
    for (volume, entries) in zip(volumes, mounts) {
      result[volume.name] = try await complaint(about: volume.name, entries)
    }
    context.conditions.set(result)
    return result
  }

  /// - Parameter mounts: all mounts of the volume. One that may be written, the staging if it is there, stands for all.
  private func complaint(
    about name: VolumeName, _ mounts: [MountEntry]
  ) async throws(VolumeError) -> FileSystemComplaint? {
    let staging = context.settings.stagingPath(of: name)
    let writable = mounts.filter { !$0.isReadOnly || $0.mountPoint == staging }
    guard let mount = writable.first(where: { $0.mountPoint == staging }) ?? writable.first else { return nil }
    do throws(VolumeError) {
      return try await context.system.complaint(about: mount)
    } catch {
      // Unmounted since the table was read.
      guard try await context.system.mounts(at: mount.mountPoint).isEmpty else { throw error }
      return nil
    }
  }
}

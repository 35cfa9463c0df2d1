internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel

/// Checks the condition of the file systems of volumes in use.
struct VolumeConditions: Sendable {
  let context: NodeContext

  /// How many volumes are checked at once.
  private static let parallelism = 16

  /// The kernel's complaints about mounted volumes.
  ///
  /// A volume whose disk does not answer delays the check of others by at most ``KnownConditions/patience``. It is not
  /// checked again until its last check has ended.
  func complaints() async throws(VolumeError) -> [VolumeName: FileSystemComplaint] {
    let volumes = try await context.engine.volumes()
    let mounts = try await context.system.mountView(of: volumes.map(\.location)).volumes
    let checks = zip(volumes, mounts).compactMap { volume, entries in
      mount(of: volume.name, among: entries).map { (name: volume.name, mount: $0) }
    }
    let found = await withTaskGroup(of: (VolumeName, Result<FileSystemComplaint?, VolumeError>).self) { group in
      var result: [VolumeName: Result<FileSystemComplaint?, VolumeError>] = [:]
      for (index, check) in checks.enumerated() {
        if index >= Self.parallelism, let (name, outcome) = await group.next() { result[name] = outcome }
        group.addTask { (check.name, await self.check(check.name, check.mount)) }
      }
      for await (name, outcome) in group { result[name] = outcome }
      return result
    }
    var result: [VolumeName: FileSystemComplaint] = [:]
    for (name, outcome) in found { result[name] = try outcome.get() }
    context.conditions.set(result)
    return result
  }

  /// The mount that represents the volume: a writable one, preferably the staging mount.
  private func mount(of name: VolumeName, among mounts: [MountEntry]) -> MountEntry? {
    let staging = context.configuration.stagingPath(of: name)
    let writable = mounts.filter { !$0.isReadOnly || $0.mountPoint == staging }
    return writable.first { $0.mountPoint == staging } ?? writable.first
  }

  private func check(_ name: VolumeName, _ mount: MountEntry) async -> Result<FileSystemComplaint?, VolumeError> {
    await context.conditions.check(name) { [context] () async -> Result<FileSystemComplaint?, VolumeError> in
      do throws(VolumeError) {
        return .success(try await Self.complaint(about: mount, context))
      } catch {
        return .failure(error)
      }
    } ?? .success(.hanging)
  }

  private static func complaint(
    about mount: MountEntry, _ context: NodeContext
  ) async throws(VolumeError) -> FileSystemComplaint? {
    do throws(VolumeError) {
      return try await context.system.complaint(about: mount)
    } catch {
      // The file system was unmounted after the table was read.
      guard try await context.system.top(at: mount.mountPoint) == nil else { throw error }
      return nil
    }
  }
}

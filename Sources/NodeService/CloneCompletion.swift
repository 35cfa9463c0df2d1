internal import LinuxSystem
internal import LogicalVolumes
internal import StorageModel
internal import Telemetry

/// The steps from a copy of the origin's blocks to a volume that can be used.
///
/// 1. A btrfs gets another UUID, so that it can be mounted.
/// 2. A copy is mounted once if its journal has to be replayed, if its file system has to grow into a larger volume, or if
///    it is an XFS. Nobody else sees that mount. If the daemon dies, its next start unmounts it.
/// 3. The file system gets the identity of the creation token.
/// 4. The permit is removed.
struct CloneCompletion: Sendable {
  let context: NodeContext
  let volume: StoredVolume
  let kind: FileSystemKind
  let identity: FileSystemIdentity
  /// Whether the volume is larger than its origin.
  let isLarger: Bool

  private var system: any NodeSystem { context.system }
  private var path: String { context.configuration.stagingPath(of: volume.name) }

  /// Runs the steps. If it throws, the copy may be mounted at its staging directory.
  func run(_ progress: ToolProgress) async throws(VolumeError) {
    guard case .device(let device) = try await context.engine.activate(volume).value.location else {
      throw VolumeError(.internal, "the clone \(volume.name) has no device")
    }
    try await context.measure(.clone) { () async throws(VolumeError) in
      try await system.separateCopy(kind, on: device, as: identity)
      try await context.steps.reach(.cloneSeparated)
      if try await needsMount(device) { try await mountOnce(device, progress) }
      if kind != .xfs { try await identify(device, mountedAt: nil) }
    }
    try context.permits.remove(volume.name)
    try await context.steps.reach(.permitRemoved)
  }

  private func needsMount(_ device: String) async throws(VolumeError) -> Bool {
    if isLarger { return true }
    return try await system.needsMount(asCopy: kind, on: device)
  }

  private func identify(_ device: String, mountedAt mountPoint: String?) async throws(VolumeError) {
    try checkCancellation(volume.name)
    try await system.identifyCopy(kind, on: device, mountedAt: mountPoint, as: identity)
    try await context.steps.reach(.cloneIdentified)
  }

  /// Mounts the copy, does what needs a mount, and unmounts it.
  private func mountOnce(_ device: String, _ progress: ToolProgress) async throws(VolumeError) {
    try checkCancellation(volume.name)
    try await system.makeDirectory(path)
    try await system.mount(device, at: path, kind: kind, options: MountOptions.none.sharingUUID(as: kind))
    try await context.steps.reach(.cloneMounted)
    if isLarger {
      try await system.growFileSystem(
        kind, on: device, mountPoint: path, deadline: context.configuration.toolDeadline, progress: progress)
      try await context.steps.reach(.cloneGrown)
    }
    if kind == .xfs { try await identify(device, mountedAt: path) }
    _ = try await system.unmountAll(path)
    try await system.removeDirectory(path)
    try await context.steps.reach(.cloneUnmounted)
  }
}

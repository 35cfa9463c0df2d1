internal import LinuxSystem
internal import StorageModel

/// A volume that a call was told is at a directory of kubelet's.
struct Publication: Sendable {
  let target: TargetPath
  /// The number of the call, see ``PublishedCalls``.
  let call: UInt64
  /// What the directory shows in the daemon's mount namespace; nil where nothing is really mounted.
  let view: DirectoryView?
}

extension NodeContext {
  /// Looks at the directory and notes the call. Callers hold the volume's lock.
  func publication(at target: TargetPath) async throws(VolumeError) -> Publication {
    let view = try await system.view(root: settings.kubeletRoot, components: target.components)
    return Publication(target: target, call: publishedCalls.note(target), view: view)
  }
}

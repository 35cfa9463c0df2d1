package import LinuxSystem
internal import StorageModel

/// A volume that a call was told is at a directory.
package struct MountAnswer: Sendable {
  package let target: PublishTarget
  /// The number of the call, see ``MountAnswers``.
  let call: UInt64
  /// What the directory shows in the daemon's mount namespace; nil where nothing is really mounted.
  package let view: DirectoryView?
}

extension NodeContext {
  /// Looks at the directory and records the call. Callers hold the volume's lock.
  ///
  /// - Parameter shown: the mount that is visible there.
  func mountAnswer(at target: PublishTarget, _ shown: MountEntry) async throws(VolumeError) -> MountAnswer {
    let view = try await system.view(root: target.root, components: target.components, source: shown.source)
    return MountAnswer(target: target, call: mountAnswers.record(target), view: view)
  }
}

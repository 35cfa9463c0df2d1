package import LinuxSystem
internal import StorageModel

/// The answer to a call that its volume is mounted at a directory.
package struct MountAnswer: Sendable {
  package let target: PublishTarget
  /// The number of the call, see ``MountAnswers``.
  let call: UInt64
  /// The content of the directory in the daemon's mount namespace; nil if nothing is really mounted.
  package let view: DirectoryView?
}

extension NodeContext {
  /// Reads the directory and records the answer. Callers hold the volume's lock.
  ///
  /// - Parameter shown: the mount that is visible at the target.
  func mountAnswer(at target: PublishTarget, _ shown: MountEntry) async throws(VolumeError) -> MountAnswer {
    let view = try await system.view(root: target.root, components: target.components, source: shown.source)
    return MountAnswer(target: target, call: mountAnswers.record(target), view: view)
  }
}

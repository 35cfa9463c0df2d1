package import LogicalVolumes
package import StorageModel

/// What calls need to know from the cluster about this node's volumes.
///
/// A call that uses an existing volume does not depend on the API server. A call that would create a volume does,
/// because an empty volume in place of a lost one is the worst failure.
package protocol ClusterKnowledge: Sendable {
  /// The instance that a volume's PV records; nil when none is recorded or the PV is not known. Answers from memory.
  func instance(createdFor volume: VolumeName) -> String?

  /// Checks that a caller may use an existing volume. If the PV is known, answers from memory. Otherwise waits a short
  /// time for the API server; without an answer the volume may be used.
  ///
  /// - Parameter pod: `namespace/name` of the pod that the call is for; nil when the call does not name it.
  /// - Throws: `unsafe` if the PV records another instance, `conflict` if the PV names another node, `forbidden` if the
  ///   pod is not in the namespace of the PV's claim, or if the name has no PV and inline volumes are refused.
  func admitUse(of volume: StoredVolume, by pod: String?) async throws(VolumeError)

  /// Checks that this volume is to be created on this node now. Waits for the API server, and, if the PV names no node,
  /// until the PV is assigned to this node.
  ///
  /// - Parameters:
  ///   - adopted: an existing volume without our tag that would become the PV's.
  ///   - source: the requested content. Only a PV can ask for a clone: it shows another volume's data.
  /// - Throws: the errors of ``admitUse(of:by:)``, `forbidden` for a clone that the PV does not ask for, and `unavailable` if
  ///   the API server does not answer.
  func admitCreation(
    of volume: VolumeName, adopting adopted: StoredVolume?, from source: VolumeSource, by pod: String?
  ) async throws(VolumeError)

  /// Volumes of ours that no PV names; nil until the PVs have been listed.
  var orphans: [VolumeName]? { get }

  /// For whom a volume is kept although no claim has it, since when, and until when, for people; nil for any other volume.
  /// Answers from memory.
  func keeping(of volume: VolumeName) -> String?
}

/// A node without an API server. It cannot be known which volumes the node should have.
package struct NoCluster: ClusterKnowledge {
  private let allowsCreation: Bool

  /// - Parameter allowsCreation: whether calls may create volumes although no PV can be read.
  package init(allowsCreation: Bool = true) { self.allowsCreation = allowsCreation }

  package func instance(createdFor volume: VolumeName) -> String? { nil }
  package var orphans: [VolumeName]? { nil }
  package func keeping(of volume: VolumeName) -> String? { nil }
  package func admitUse(of volume: StoredVolume, by pod: String?) async throws(VolumeError) {}

  package func admitCreation(
    of volume: VolumeName, adopting adopted: StoredVolume?, from source: VolumeSource, by pod: String?
  ) async throws(VolumeError) {
    guard !allowsCreation else { return }
    throw VolumeError(
      .forbidden,
      "volume \(volume) does not exist, and is not created: --inline-volumes is refuse, and this daemon has no API server "
        + "to read its PV from. Set --server or --kubeconfig, or --inline-volumes allow")
  }
}

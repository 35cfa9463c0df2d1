package import LogicalVolumes
package import StorageModel

/// What the cluster says about this node's volumes, as far as calls need it.
///
/// A call that uses a volume which exists does not depend on the API server. A call that would create one does: an
/// empty volume in the place of a lost one is the worst that can happen.
package protocol ClusterKnowledge: Sendable {
  /// The instance that a volume's PV records; nil when none is recorded, or that is not known. Answers from memory.
  func instance(madeFor volume: VolumeName) -> String?

  /// Checks that a caller may use a volume that exists. Answers from memory for a volume whose PV is known, and asks
  /// the API server for a short time otherwise; without an answer the volume may be used.
  ///
  /// - Parameter pod: `namespace/name` of the pod that the call is for; nil when the call does not say.
  /// - Throws: `unsafe` when the PV records another instance, `conflict` when the PV names another node, `forbidden`
  ///   when the pod is not in the namespace of the PV's claim, or the name has no PV and inline volumes are refused.
  func admitUse(of volume: StoredVolume, by pod: String?) async throws(VolumeError)

  /// Checks that the cluster wants this volume to be created on this node now. Asks the API server, and waits for the
  /// PV to be assigned to this node where it names none.
  ///
  /// - Parameter adopted: the volume that would become the PV's, where one is there that does not carry our tag.
  /// - Throws: what ``admitUse(of:by:)`` throws, and `unavailable` when the API server does not answer.
  func admitCreation(
    of volume: VolumeName, adopting adopted: StoredVolume?, by pod: String?
  ) async throws(VolumeError)

  /// Volumes of ours that no PV names; nil when that is not known.
  var orphans: [VolumeName]? { get }

  /// For whom a volume is kept although no claim has it, since when, and until when, for people; nil for any other volume.
  /// Answers from memory.
  func keeping(of volume: VolumeName) -> String?
}

/// A node without an API server: nobody can say which volumes it should have.
package struct NoCluster: ClusterKnowledge {
  private let allowsCreation: Bool

  /// - Parameter allowsCreation: whether calls may create volumes although no PV can be asked for.
  package init(allowsCreation: Bool = true) { self.allowsCreation = allowsCreation }

  package func instance(madeFor volume: VolumeName) -> String? { nil }
  package var orphans: [VolumeName]? { nil }
  package func keeping(of volume: VolumeName) -> String? { nil }
  package func admitUse(of volume: StoredVolume, by pod: String?) async throws(VolumeError) {}

  package func admitCreation(
    of volume: VolumeName, adopting adopted: StoredVolume?, by pod: String?
  ) async throws(VolumeError) {
    guard !allowsCreation else { return }
    throw VolumeError(
      .forbidden,
      "volume \(volume) does not exist, and is not created: --inline-volumes is refuse, and this daemon has no API server "
        + "to look for its PV. Set --server or --kubeconfig, or --inline-volumes allow")
  }
}

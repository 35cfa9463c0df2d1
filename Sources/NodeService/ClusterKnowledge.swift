package import StorageModel

/// What the cluster knows of this node's volumes, as far as calls need it. A call that a pod waits for never depends on
/// the API server, but for the first mount of a volume that has no node yet.
package protocol ClusterKnowledge: Sendable {
  /// The instance that a volume's PV says it was made as; nil when it never was, or that is not known. Answers from memory.
  func instance(madeFor volume: VolumeName) -> String?

  /// Pins the PV of a volume to this node, if it has none yet. Asks the API server.
  ///
  /// - Throws: `conflict` when it is pinned to another node or its PV is going, `unavailable` when nobody can be asked.
  func pin(_ volume: VolumeName) async throws(VolumeError)

  /// Volumes of ours that no PV names; nil when that is not known.
  var orphans: [VolumeName]? { get }
}

/// A node without a cluster, or with none that could be asked yet.
package struct NoCluster: ClusterKnowledge {
  package init() {}

  package func instance(madeFor volume: VolumeName) -> String? { nil }
  package var orphans: [VolumeName]? { nil }

  package func pin(_ volume: VolumeName) async throws(VolumeError) {
    throw VolumeError(
      .unavailable,
      "volume \(volume) was bound before a node was known, and its PV has to be pinned to this one first; this daemon "
        + "has no API server (--kubeconfig or --server)")
  }
}

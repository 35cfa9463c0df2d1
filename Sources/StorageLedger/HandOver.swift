package import Controllers
package import JSON
package import KubernetesAPI
internal import StorageModel

// A PV that is to be another claim's. It is never free for any claim in between.
extension ObjectWriter {
  /// Has exactly this PV, as it was seen, name another claim with its UID, in one write. Kubernetes binds the two, and no other
  /// claim. Throws `conflict` when the PV has changed since it was read.
  ///
  /// - Parameter members: what changes on the PV in the same write, as a merge patch.
  @discardableResult
  package func handOver(
    _ volume: PersistentVolume, to claim: ObjectKey, uid: String, with members: JSONValue = [:]
  ) async throws(WriteFailure) -> PersistentVolume {
    // With this annotation Kubernetes would wait for its own binding of the former claim.
    let annotation = JSONValue.Member(PersistentVolume.boundByControllerAnnotation, .null)
    return try await change(
      volume,
      members.merged(with: [
        "metadata": ["annotations": .object([annotation])],
        "spec": ["claimRef": PersistentVolume.claimReference(claim, uid: uid)],
      ]))
  }
}

extension PersistentVolume {
  /// What Kubernetes' volume binding writes on a PV that it has chosen itself (`AnnBoundByController`).
  package static let boundByControllerAnnotation = "pv.kubernetes.io/bound-by-controller"

  /// `spec.claimRef` for a claim. Whole: a merge patch would leave what the former reference had besides.
  static func claimReference(_ claim: ObjectKey, uid: String) -> JSONValue {
    [
      "apiVersion": .string(PersistentVolumeClaim.resource.apiVersion),
      "kind": .string(PersistentVolumeClaim.resource.kind), "namespace": .string(claim.namespace),
      "name": .string(claim.name), "uid": .string(uid), "resourceVersion": .null, "fieldPath": .null,
    ]
  }
}

internal import KubernetesAPI
internal import StorageModel

/// Looks at what a checkout asks for; asks nobody.
package enum CheckoutReview {
  private static let accessModes = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]

  /// Why a checkout cannot be served: the field, what it says, and what is allowed. Nil for one that can.
  package static func problem(of checkout: Checkout) -> String? {
    let spec = checkout.spec
    if spec.poolRef.name.isEmpty { return "spec.poolRef.name is empty; it has to name a pool" }
    if !ClusterNames.isObjectName(spec.poolRef.name) {
      return "spec.poolRef.name \(quoted(spec.poolRef.name)) is no name of a pool"
    }
    if !spec.poolRef.namespace.isEmpty, !ClusterNames.isObjectName(spec.poolRef.namespace) {
      return "spec.poolRef.namespace \(quoted(spec.poolRef.namespace)) is no name of a namespace"
    }
    if !spec.claimName.isEmpty, !ClusterNames.isObjectName(spec.claimName) {
      return "spec.claimName \(quoted(spec.claimName)) is no name of a claim"
    }
    if let mode = checkout.accessModes.first(where: { !accessModes.contains($0) }) {
      return "spec.accessModes: \(quoted(mode)) is none of \(accessModes.joined(separator: ", "))"
    }
    // The API server's rule for claims (ValidatePersistentVolumeClaimSpec).
    if checkout.accessModes.contains("ReadWriteOncePod"), checkout.accessModes.count > 1 {
      return "spec.accessModes: ReadWriteOncePod cannot be combined with another mode"
    }
    return nil
  }
}

/// Who may use a pool.
package struct PoolAccess: Sendable {
  /// Whether the API server requires the verb `use` on the pool when a checkout is created or changed. If so, every checkout that
  /// exists may use its pool.
  package var isCheckedAtAdmission: Bool

  package init(isCheckedAtAdmission: Bool) { self.isCheckedAtAdmission = isCheckedAtAdmission }

  package func allows(_ checkout: Checkout, _ pool: Pool) -> Bool {
    let (own, other) = (checkout.metadata.namespace, pool.metadata.namespace)
    return own == other || isCheckedAtAdmission || pool.spec.allowedNamespaces.contains { $0 == "*" || $0 == own }
  }
}

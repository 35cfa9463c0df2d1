/// The names of the pools' API. It is that of puppetlabs/pvpool v0.4.0, so that manifests and scripts for it go on working.
/// What is ours alone is said so.
package enum PoolNames {
  package static let group = "pvpool.puppet.com"
  package static let version = "v1alpha1"

  /// On a replica's claim: a ``ReplicaPhase``.
  package static let phaseAnnotation = "pvpool.puppet.com/replica.phase"

  /// On an init job: the pool, as JSON. An owner reference to the pool would hold up its deletion.
  package static let ownerAnnotation = "pvpool.puppet.com/owner"

  /// On a pool, until its replicas are gone.
  package static let poolFinalizer = "pvpool.puppet.com/pool-reconciler"

  /// Ours. On a checkout, until its claim is gone.
  package static let checkoutFinalizer = "pvpool.puppet.com/checkout-reconciler"

  /// Ours. On every init job, so that a watch shows these jobs only.
  package static let jobLabel = "pvpool.puppet.com/init-job"
  package static let jobMark = "true"

  /// Ours. On a replica's claim: how many init jobs in a row have failed before it, and one.
  package static let attemptAnnotation = "pvpool.puppet.com/replica.attempt"

  /// Ours. On a checkout's claim: how often Kubernetes was asked to look at it again.
  package static let bindingAnnotation = "pvpool.puppet.com/checkout.binding"

  /// Ours. On a checkout's claim: `metadata.generation` of the checkout that the claim was created for.
  package static let generationAnnotation = "pvpool.puppet.com/checkout.generation"

  /// Ours. The ValidatingAdmissionPolicy that asks for the verb `use`, and its binding.
  package static let policy = "pvpool.puppet.com.use"
}

/// How far a replica is.
package enum ReplicaPhase: String, Hashable, Sendable {
  case initializing = "Initializing"
  case available = "Available"
}

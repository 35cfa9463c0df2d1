/// What becomes of a claim whose volume's node has left the cluster: parameter `onNodeLoss` of a storage class.
package enum NodeLossPolicy: String, Hashable, Sendable, CaseIterable {
  /// Claim and pods stay as they are, and wait for the node or for somebody to decide.
  case keepClaim
  /// The claim and the pods that wait for it are deleted, so that a StatefulSet creates both anew on another node.
  case recreateClaim
}

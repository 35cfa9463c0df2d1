extension StorageClass.TopologyTerm {
  /// Whether a node with these labels matches the term: all its expressions hold (`TopologySelectorTerm` in
  /// k8s.io/api/core/v1).
  package func matches(_ labels: StringMap) -> Bool {
    expressions.allSatisfy { expression in labels[expression.key].map(expression.values.contains) ?? false }
  }
}

extension [StorageClass.TopologyTerm] {
  /// Whether the terms allow a node with these labels: one of them matches, or there are no terms.
  package func allow(_ labels: StringMap) -> Bool { isEmpty || contains { $0.matches(labels) } }
}

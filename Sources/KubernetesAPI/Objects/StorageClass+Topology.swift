extension StorageClass.TopologyTerm {
  /// Whether a node with these labels is in the term (`TopologySelectorTerm`: all expressions must hold).
  package func matches(_ labels: StringMap) -> Bool {
    expressions.allSatisfy { expression in labels[expression.key].map(expression.values.contains) ?? false }
  }
}

extension [StorageClass.TopologyTerm] {
  /// No terms allow every node.
  package func allow(_ labels: StringMap) -> Bool { isEmpty || contains { $0.matches(labels) } }
}

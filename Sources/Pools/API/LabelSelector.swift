package import JSON
package import KubernetesAPI

/// Selects objects by their labels (`metav1.LabelSelector`): all of it must hold.
package struct LabelSelector: FieldObject {
  package var matchLabels = StringMap()
  package var matchExpressions: [Requirement] = []

  package struct Requirement: FieldObject {
    package var key = ""
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    package var `operator` = ""
    package var values: [String] = []

    package init() {}

    package init(_ key: String, _ operation: String, _ values: [String] = []) {
      self.key = key
      self.operator = operation
      self.values = values
    }

    package static let fields: [Field<Requirement>] = [
      Field("key", \.key), Field("operator", \.operator), Field("values", \.values, omitting: []),
    ]

    /// An operator that is not known holds for nothing.
    func holds(for labels: StringMap) -> Bool {
      switch `operator` {
      case "In": labels[key].map(values.contains) ?? false
      case "NotIn": labels[key].map { !values.contains($0) } ?? true
      case "Exists": labels[key] != nil
      case "DoesNotExist": labels[key] == nil
      default: false
      }
    }
  }

  package init() {}

  package init(matchLabels: StringMap) { self.matchLabels = matchLabels }

  package static let fields: [Field<LabelSelector>] = [
    Field("matchLabels", \.matchLabels), Field("matchExpressions", \.matchExpressions, omitting: []),
  ]

  /// Without any rule. Such a selector would select everything, so a pool may not have it.
  package var isEmpty: Bool { matchLabels.isEmpty && matchExpressions.isEmpty }

  /// Whether an object with these labels is selected; none is by an empty selector.
  package func matches(_ labels: StringMap) -> Bool {
    !isEmpty && labels.contains(matchLabels) && matchExpressions.allSatisfy { $0.holds(for: labels) }
  }
}

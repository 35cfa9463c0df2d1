internal import KubernetesAPI
internal import StorageModel

/// Whose a kept volume is: the owner that the namespace's annotation names, else the namespace.
package enum KeptIdentity: Hashable, Sendable {
  /// The value of the namespace's annotation `owner`.
  case owner(String)
  /// The name of a namespace without that annotation.
  case namespace(String)

  /// - Parameter owner: the value of the namespace's annotation. Nil and empty name no owner.
  package init(namespace: String, owner: String?) {
    if let owner, !owner.isEmpty { self = .owner(owner) } else { self = .namespace(namespace) }
  }

  /// Parses the annotation `kept-for` of a PV; nil for any other text.
  package init?(recorded text: String) {
    let words = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard words.count == 2, !words[1].isEmpty else { return nil }
    switch words[0] {
    case "owner": self = .owner(words[1])
    case "namespace": self = .namespace(words[1])
    default: return nil
    }
  }
}

extension KeptIdentity: CustomStringConvertible {
  /// The text for the annotation `kept-for` of a PV.
  package var description: String {
    switch self {
    case .owner(let owner): "owner:\(owner)"
    case .namespace(let namespace): "namespace:\(namespace)"
    }
  }
}

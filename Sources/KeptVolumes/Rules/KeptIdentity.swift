internal import KubernetesAPI
internal import StorageModel

/// Who may have a kept volume again: the owner that a namespace names, else the namespace itself.
package enum KeptIdentity: Hashable, Sendable {
  case owner(String)
  case namespace(String)

  /// - Parameter owner: the value of the namespace's annotation; nil and empty name nobody.
  package init(namespace: String, owner: String?) {
    if let owner, !owner.isEmpty { self = .owner(owner) } else { self = .namespace(namespace) }
  }

  /// Parses what a PV records; nil for anything else.
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
  /// As a PV records it.
  package var description: String {
    switch self {
    case .owner(let owner): "owner:\(owner)"
    case .namespace(let namespace): "namespace:\(namespace)"
    }
  }
}

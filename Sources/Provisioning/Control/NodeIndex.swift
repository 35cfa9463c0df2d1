internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

/// The nodes of the cluster, by name and by the hostname that volumes are pinned to.
struct NodeIndex: Sendable {
  private var labels: [String: StringMap] = [:]
  private var names: [String: Set<String>] = [:]
  /// Since when a node that volumes are pinned to is not there.
  private var goneSince: [String: Duration] = [:]

  subscript(name: String) -> StringMap? { labels[name] }

  /// - Parameter new: nil when the node is gone.
  mutating func set(_ name: String, _ new: StringMap?, at now: Duration) {
    if let hostname = hostname(of: name) {
      names[hostname]?.remove(name)
      if names[hostname]?.isEmpty == true { names[hostname] = nil }
    }
    labels[name] = new
    guard let hostname = new?[ClusterNames.hostnameLabel] else { return }
    names[hostname, default: []].insert(name)
    goneSince[hostname] = nil
    goneSince[ClusterNames.nodeLabelValue(name)] = nil
  }

  func hostname(of name: String) -> String? { labels[name]?[ClusterNames.hostnameLabel] }

  /// The node that volumes of a hostname are on.
  func name(of hostname: String) -> String? { names[hostname]?.min() }

  /// The nodes that have a hostname, sorted. More than one is a mistake: nobody can say on which of them a volume is.
  func names(sharing hostname: String) -> [String] { names[hostname]?.sorted() ?? [] }

  /// The hostname for what a volume says of its node: a hostname already, or a node's name as a label has it.
  func hostname(for text: String) -> String {
    if names[text] != nil { return text }
    return hostname(of: text) ?? text
  }

  /// Whether a node that a volume names is there.
  func has(_ text: String) -> Bool {
    names[text] != nil || labels[text] != nil || labels.keys.contains { ClusterNames.nodeLabelValue($0) == text }
  }

  /// How long a node has been known to be gone.
  mutating func absence(of text: String, at now: Duration) -> Duration? {
    guard !has(text) else { return nil }
    let since = goneSince[text] ?? now
    goneSince[text] = since
    return now - since
  }
}

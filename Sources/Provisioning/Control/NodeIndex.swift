internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

/// The nodes of the cluster with their labels, and for how long missing nodes have been missing.
struct NodeIndex: Sendable {
  private var labels: [String: StringMap] = [:]
  private var hostnames = Hostnames()
  /// Since when nodes have been known to be missing, by hostname or node label.
  private var goneSince: [String: Duration] = [:]

  /// The labels of a node; nil when it does not exist.
  subscript(name: String) -> StringMap? { labels[name] }

  /// Sets the labels of a node; nil for a node that is gone.
  mutating func set(_ name: String, _ new: StringMap?, at now: Duration) {
    labels[name] = new
    let hostname = new?[ClusterNames.hostnameLabel]
    if new == nil { hostnames.remove(name) } else { hostnames.set(name, hostname) }
    if new != nil { goneSince[ClusterNames.nodeLabelValue(name)] = nil }
    if let hostname { goneSince[hostname] = nil }
  }

  /// The hostname of a node; nil when the node has none.
  func hostname(of name: String) -> String? { hostnames.hostname(of: name) }

  /// The node that has the volumes of a hostname.
  func name(of hostname: String) -> String? { hostnames.name(of: hostname) }

  /// The nodes that have a hostname, sorted. More than one is a mistake: which of them has a volume cannot be known.
  func names(sharing hostname: String) -> [String] { hostnames.names(sharing: hostname) }

  /// Whether there is a node with this hostname, name or node label.
  func has(_ text: String) -> Bool {
    hostnames.name(of: text) != nil || labels[text] != nil
      || labels.keys.contains { ClusterNames.nodeLabelValue($0) == text }
  }

  /// For how long the node with this hostname, name or node label has been known to be missing; nil if it exists. The
  /// first call about a missing node starts its time.
  mutating func absence(of text: String, at now: Duration) -> Duration? {
    guard !has(text) else { return nil }
    let since = goneSince[text] ?? now
    goneSince[text] = since
    return now - since
  }
}

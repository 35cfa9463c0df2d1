internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

/// The nodes of the cluster with their labels, and since when those are gone that volumes are pinned to.
struct NodeIndex: Sendable {
  private var labels: [String: StringMap] = [:]
  private var hostnames = Hostnames()
  /// Since when a node that volumes are pinned to is not there.
  private var goneSince: [String: Duration] = [:]

  subscript(name: String) -> StringMap? { labels[name] }

  /// - Parameter new: nil when the node is gone.
  mutating func set(_ name: String, _ new: StringMap?, at now: Duration) {
    labels[name] = new
    let hostname = new?[ClusterNames.hostnameLabel]
    if new == nil { hostnames.remove(name) } else { hostnames.set(name, hostname) }
    if new != nil { goneSince[ClusterNames.nodeLabelValue(name)] = nil }
    if let hostname { goneSince[hostname] = nil }
  }

  func hostname(of name: String) -> String? { hostnames.hostname(of: name) }

  /// The node that volumes of a hostname are on.
  func name(of hostname: String) -> String? { hostnames.name(of: hostname) }

  /// The nodes that have a hostname, sorted. More than one is a mistake: nobody can say on which of them a volume is.
  func names(sharing hostname: String) -> [String] { hostnames.names(sharing: hostname) }

  /// Whether a node that a volume names is there.
  func has(_ text: String) -> Bool {
    hostnames.name(of: text) != nil || labels[text] != nil
      || labels.keys.contains { ClusterNames.nodeLabelValue($0) == text }
  }

  /// How long a node has been known to be gone.
  mutating func absence(of text: String, at now: Duration) -> Duration? {
    guard !has(text) else { return nil }
    let since = goneSince[text] ?? now
    goneSince[text] = since
    return now - since
  }
}

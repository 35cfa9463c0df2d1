/// The nodes of a cluster, by name and by the hostname that volumes are pinned to (label `kubernetes.io/hostname`).
package struct Hostnames: Sendable {
  private var hostnames: [String: String] = [:]
  private var names: [String: Set<String>] = [:]
  /// Nodes without that label.
  private var unlabelled: Set<String> = []

  /// Has no nodes.
  package init() {}

  /// Sets a node's hostname label; nil for a node without the label.
  package mutating func set(_ name: String, _ hostname: String?) {
    remove(name)
    guard let hostname else {
      unlabelled.insert(name)
      return
    }
    hostnames[name] = hostname
    names[hostname, default: []].insert(name)
  }

  /// Removes a node that is gone.
  package mutating func remove(_ name: String) {
    unlabelled.remove(name)
    guard let hostname = hostnames.removeValue(forKey: name) else { return }
    names[hostname]?.remove(name)
    if names[hostname]?.isEmpty == true { names[hostname] = nil }
  }

  /// The hostname of a node; nil for an unknown node, and for one without the label.
  package func hostname(of name: String) -> String? { hostnames[name] }

  /// The node that has the volumes of a hostname; nil when there is none. Of several nodes with that hostname, the
  /// first by name.
  package func name(of hostname: String) -> String? { names[hostname]?.min() }

  /// The nodes that have a hostname, sorted. More than one is a mistake: which of them has a volume cannot be known.
  package func names(sharing hostname: String) -> [String] { names[hostname]?.sorted() ?? [] }

  /// The hostname for a volume's node label, which is a hostname already or a node's name.
  func hostname(for text: String) -> String { names[text] == nil ? hostnames[text] ?? text : text }

  /// The node whose reported storage counts for a hostname. A node that is not known yet has its name as hostname.
  func reporter(of hostname: String) -> String? {
    name(of: hostname) ?? (isKnown(hostname) ? nil : hostname)
  }

  private func isKnown(_ name: String) -> Bool { hostnames[name] != nil || unlabelled.contains(name) }
}

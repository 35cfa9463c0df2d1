/// The nodes of a cluster, by name and by the hostname that volumes are pinned to (label `kubernetes.io/hostname`).
package struct Hostnames: Sendable {
  private var hostnames: [String: String] = [:]
  private var names: [String: Set<String>] = [:]
  /// Nodes that have no such label.
  private var unlabelled: Set<String> = []

  package init() {}

  /// Sets what a node's label says; nil for a node without the label.
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

  package func hostname(of name: String) -> String? { hostnames[name] }

  /// The node that volumes of a hostname are on.
  package func name(of hostname: String) -> String? { names[hostname]?.min() }

  /// The nodes that have a hostname, sorted. More than one is a mistake: nobody can say on which of them a volume is.
  package func names(sharing hostname: String) -> [String] { names[hostname]?.sorted() ?? [] }

  /// The hostname for what a volume says of its node: a hostname already, or a node's name as a label has it.
  func hostname(for text: String) -> String { names[text] == nil ? hostnames[text] ?? text : text }

  /// The node whose reported storage counts for a hostname; a node that is not known yet has its name as hostname.
  func reporter(of hostname: String) -> String? {
    name(of: hostname) ?? (isKnown(hostname) ? nil : hostname)
  }

  private func isKnown(_ name: String) -> Bool { hostnames[name] != nil || unlabelled.contains(name) }
}

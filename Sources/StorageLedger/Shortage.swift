package import StorageModel

/// Why a node cannot take a volume.
package enum Shortage: Error, Hashable, Sendable {
  /// The node reports no storage: no daemon has run there yet, or its release is unknown to this one.
  case unknownNode(String)
  /// The node has no such group, or no thin pool in it.
  case noPlace(node: String, group: String, isThin: Bool, known: [String])
  /// The node has the device class, but not enough free space in it.
  case notEnoughSpace(node: String, place: String, free: ByteCount, requested: ByteCount)

  /// For an Event: names the node, what was found, what was requested, and what to do.
  package var message: String {
    switch self {
    case .unknownNode(let node):
      "node \(node) has not reported its storage; is the elastic-local daemon running there?"
    case .noPlace(let node, let group, let isThin, let known):
      "node \(node) has no \(isThin ? "thin pool in " : "")volume group \"\(group)\"; it has \(known.joined(separator: ", "))"
    case .notEnoughSpace(let node, let place, let free, let requested):
      "node \(node) has \(free) free in \(place), \(requested) requested, \(requested - free) missing"
    }
  }
}

internal import KubernetesAPI
package import StorageModel

/// Chooses the nodes of replicas of our classes; asks nobody.
package struct NodeChoice: Sendable {
  /// A node that may have replicas.
  package struct Candidate: Hashable, Sendable {
    package var name: String
    package var hostname: String
    package var free: ByteCount
    /// How many replicas of the pool it has.
    package var replicas: Int

    package init(name: String, hostname: String, free: ByteCount, replicas: Int) {
      self.name = name
      self.hostname = hostname
      self.free = free
      self.replicas = replicas
    }
  }

  private var candidates: [Candidate]
  private let size: ByteCount
  private let spread: Bool

  /// - Parameter size: of a replica.
  package init(_ candidates: [Candidate], size: ByteCount, spread: Bool) {
    self.candidates = candidates
    self.size = size
    self.spread = spread
  }

  /// Takes the space of one more replica. Returns the node; nil when none has enough.
  ///
  /// Of the nodes with space it is the one with fewest replicas of the pool, then the one with most space.
  package mutating func next() -> Candidate? {
    let fitting = candidates.indices.filter { candidates[$0].free >= size && candidates[$0].free > .zero }
    guard let best = fitting.min(by: { isBetter(candidates[$0], candidates[$1]) }) else { return nil }
    candidates[best].free = candidates[best].free - size
    candidates[best].replicas += 1
    return candidates[best]
  }

  /// The most space that one node has.
  package var largest: Candidate? { candidates.max { ($0.free, $1.name) < ($1.free, $0.name) } }

  private func isBetter(_ left: Candidate, _ right: Candidate) -> Bool {
    if spread, left.replicas != right.replicas { return left.replicas < right.replicas }
    return left.free == right.free ? left.name < right.name : left.free > right.free
  }
}

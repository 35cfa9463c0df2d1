/// Which volumes are no longer attached, by the answer of a plugin that is asked about many nodes at once.
public enum BulkVerification {
  /// What was asked: by node, the volumes that count as attached there.
  public typealias Question = [String: [VolumeSpec]]

  /// Asks, and returns what counts as detached by node: what the answer says is detached, and what it leaves out of a node
  /// that it has. A node that it does not have, a plugin that does not offer this, and an error change nothing.
  public static func detached(_ question: Question, by plugin: any VolumePlugin) async -> Question {
    guard plugin.supportsBulkVerification, let verifier = plugin as? any BulkVerifier,
      let answer = try? await verifier.verify(question)
    else { return [:] }
    return question.reduce(into: [:]) { result, entry in
      guard let attached = answer[entry.key] else { return }
      let gone = entry.value.filter { attached[$0] != true }
      if !gone.isEmpty { result[entry.key] = gone }
    }
  }
}

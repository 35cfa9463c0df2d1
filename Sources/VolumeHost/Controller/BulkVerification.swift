/// Finds the volumes that are no longer attached, with a plugin that answers for many nodes at once.
public enum BulkVerification {
  /// The question: the volumes that count as attached, by node.
  public typealias Question = [String: [VolumeSpec]]

  /// Asks the plugin and returns the volumes that count as detached, by node. These are the volumes that the answer
  /// reports detached, and those missing from the answer for their node. Nothing changes if the node is missing, the
  /// plugin does not offer this, or it fails.
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

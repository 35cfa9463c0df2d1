internal import KubernetesAPI
internal import LinuxSystem

/// An Event that waits to be sent.
struct QueuedEvent: Sendable {
  let object: ObjectReference
  let reason: EventReason
  let message: String
  let time: Timestamp

  /// The API server's limit (its validation of events).
  private static let messageLimit = 1024

  init(object: ObjectReference, reason: EventReason, message: String, time: Timestamp) {
    self.object = object
    self.reason = reason
    self.message = Self.cut(message, to: Self.messageLimit)
    self.time = time
  }

  static func cut(_ text: String, to limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var result = ""
    var length = 0
    for character in text {
      length += character.utf8.count
      guard length <= limit - 3 else { break }
      result.append(character)
    }
    return result + "…"
  }
}

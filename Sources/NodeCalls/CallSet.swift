package import NodeService
package import StorageModel

/// Calls that belong together: their verbs, and what each does.
package protocol CallSet: Sendable {
  /// The first words of its calls.
  var verbs: Set<String> { get }

  /// Those of its verbs that take down, or only look: they are served however many other calls hang.
  var alwaysServed: Set<String> { get }

  /// Serves a call of one of its verbs.
  ///
  /// - Parameter words: those behind the verb.
  func perform(
    _ verb: String, _ words: [String], by service: VolumeService
  ) async throws(VolumeError) -> HandledCall

  /// Whose call it is, for the log; also of arguments that were refused.
  func subject(of arguments: [String]) -> CallSubject
}

extension CallSet {
  /// The refusal of a call with another number of words.
  package func usage(_ verb: String, _ form: String, _ words: [String]) -> VolumeError {
    VolumeError(.invalid, "\(verb) wants \(form), got \(words.count) argument\(words.count == 1 ? "" : "s")")
  }
}

/// Whose call it is, for the log.
package struct CallSubject: Sendable {
  /// Empty when not known, as the fields of a log line are.
  package let volume: String
  /// `namespace/name`; the UID where the call carries no more.
  package let pod: String

  package init(volume: String = "", pod: String = "") {
    // As long as an object's name may be.
    (self.volume, self.pod) = (String(volume.prefix(253)), String(pod.prefix(507)))
  }
}

package import NodeService
package import StorageModel

/// A set of calls: their verbs, and what each does.
package protocol CallSet: Sendable {
  /// The first words of the calls.
  var verbs: Set<String> { get }

  /// The verbs that unmount or only read. They are served even if all other calls hang.
  var alwaysServed: Set<String> { get }

  /// Serves a call of one of its verbs.
  ///
  /// - Parameter words: the words after the verb.
  /// - Throws: ``VolumeError``.
  func perform(
    _ verb: String, _ words: [String], by service: VolumeService
  ) async throws(VolumeError) -> HandledCall

  /// The volume and pod of a call, for the log; also for arguments that were refused.
  func subject(of arguments: [String]) -> CallSubject
}

extension CallSet {
  /// The error for a call with a wrong number of words.
  package func usage(_ verb: String, _ form: String, _ words: [String]) -> VolumeError {
    VolumeError(.invalid, "\(verb) needs \(form), got \(words.count) argument\(words.count == 1 ? "" : "s")")
  }
}

/// The volume and pod of a call, for the log.
package struct CallSubject: Sendable {
  /// Empty when not known, as in a log line.
  package let volume: String
  /// `namespace/name`, or the UID if the call has nothing else.
  package let pod: String

  package init(volume: String = "", pod: String = "") {
    // The greatest length of an object's name.
    (self.volume, self.pod) = (String(volume.prefix(253)), String(pod.prefix(507)))
  }
}

internal import NodeProtocol
package import NodeService
package import StorageModel

/// The calls of our own tool: `status`, `remove`, `retain` and `unretain`.
package struct AdminCalls: CallSet {
  private let release: String

  package init(release: String) { self.release = release }

  package let verbs: Set<String> = ["status", "remove", "retain", "unretain"]
  package let alwaysServed: Set<String> = ["status", "retain", "unretain"]

  package func subject(of arguments: [String]) -> CallSubject {
    CallSubject(volume: arguments.count > 1 ? arguments[1] : "")
  }

  package func perform(
    _ verb: String, _ words: [String], by service: VolumeService
  ) async throws(VolumeError) -> HandledCall {
    switch verb {
    case "remove": try await remove(words, service)
    case "retain": try await retain(words, true, service)
    case "unretain": try await retain(words, false, service)
    default: HandledCall(try await StatusReader(context: service.context, release: release).reply())
    }
  }

  /// `remove <volume> [<claim uid>]`
  private func remove(_ words: [String], _ service: VolumeService) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 || words.count == 2 else { throw usage("remove", "<volume> [<claim uid>]", words) }
    let name = try VolumeName(words[0])
    var claim: ClaimUID?
    if words.count == 2 {
      claim = ClaimUID(words[1])
      if claim == nil { throw VolumeError(.invalid, "\(quoted(words[1])) is not a claim UID") }
    }
    let isRemoved = try await service.remove(name, .byHand(claim))
    let message = isRemoved ? "volume \(name) removed" : "volume \(name) does not exist; nothing to do"
    return HandledCall(Reply(.success, message: message))
  }

  private func retain(
    _ words: [String], _ isRetained: Bool, _ service: VolumeService
  ) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 else { throw usage(isRetained ? "retain" : "unretain", "<volume>", words) }
    let name = try VolumeName(words[0])
    try await service.setRetained(name, isRetained)
    return HandledCall(Reply(.success, message: "volume \(name) is \(isRetained ? "" : "no longer ")retained"))
  }
}

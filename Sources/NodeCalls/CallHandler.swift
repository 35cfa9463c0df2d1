internal import LinuxSystem
internal import NodeProtocol
package import NodeService
internal import StorageModel
internal import Telemetry

/// Serves calls, each by the set that its verb belongs to. The only part that converts errors to replies.
package struct CallHandler: Sendable {
  package let context: NodeContext
  private let sets: [any CallSet]

  package init(context: NodeContext, _ sets: [any CallSet]) {
    self.context = context
    self.sets = sets
  }

  /// Serves one call. Never throws: each failure is a reply.
  package func handle(_ arguments: [String]) async -> HandledCall {
    let verb = arguments.first ?? ""
    let set = set(of: verb)
    let label = set == nil ? "other" : verb
    let start = MonotonicClock.now()
    context.metrics.beginCall()
    do throws(VolumeError) {
      guard let set else {
        throw VolumeError(.unsupported, "command \(quoted(verb)) is not one of this driver's")
      }
      let service = VolumeService(context.answering(within: context.configuration.callPatience))
      let call = try await set.perform(verb, Array(arguments.dropFirst()), by: service)
      context.metrics.endCall(label, outcome: "success", MonotonicClock.now() - start)
      return call
    } catch {
      context.metrics.endCall(label, outcome: error.code.rawValue, MonotonicClock.now() - start)
      let subject = (set ?? sets.first)?.subject(of: arguments) ?? CallSubject()
      log(error)(
        "call failed",
        [
          "verb": quoted(verb), "code": error.code.rawValue, "volume": subject.volume, "pod": subject.pod,
          "reason": "\(error)",
        ])
      return HandledCall(Reply(error))
    }
  }

  /// Whether a call is served even if all others hang.
  func isAlwaysServed(_ arguments: [String]) -> Bool {
    let verb = arguments.first ?? ""
    return set(of: verb)?.alwaysServed.contains(verb) ?? false
  }

  private func set(of verb: String) -> (any CallSet)? { sets.first { $0.verbs.contains(verb) } }

  /// The log level of a failure. An unexpected failure is an error. One that passes by itself, or that kubelet only
  /// probes for, needs no attention.
  private func log(_ error: VolumeError) -> (String, [String: String]) -> Void {
    switch error.code {
    case .unsupported, .cancelled, .inProgress: context.log.info
    case .internal: context.log.error
    default: context.log.warning
    }
  }
}

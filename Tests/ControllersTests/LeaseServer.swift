import JSON
import KubernetesAPI
import StorageModel
import Synchronization

/// A server that has one Lease, and can be away.
final class LeaseServer: Sendable {
  private let state = Mutex(State())

  private struct State {
    var lease: Lease?
    var version = 0
    var isAway = false
    var losesAnswers = false
    var writes = 0
  }

  var lease: Lease? { state.withLock { $0.lease } }
  var writes: Int { state.withLock { $0.writes } }
  func set(isAway: Bool = false, losesAnswers: Bool = false) {
    state.withLock { ($0.isAway, $0.losesAnswers) = (isAway, losesAnswers) }
  }

  /// Somebody else writes.
  func write(_ lease: Lease?) {
    state.withLock { state in
      state.version += 1
      state.lease = lease
      state.lease?.metadata.resourceVersion = "\(state.version)"
    }
  }

  var transport: ScriptedTransport { ScriptedTransport { [self] request, _ in answer(request) } }

  func client(_ time: any Timekeeper) -> APIClient { APIClient(transport, time: time) }

  private func answer(_ request: HTTPRequest) -> ScriptedTransport.Step {
    state.withLock { state in
      if state.isAway { return .failure(TransportError(.unreachable, "away")) }
      guard request.method != "GET" else {
        guard let lease = state.lease else { return .reply(404, status(404, "NotFound")) }
        return .reply(200, Self.text(lease))
      }
      var json = JSONReader(request.body ?? [])
      guard var lease = try? Lease(json: &json) else { return .reply(400, status(400, "BadRequest")) }
      if request.method == "POST", state.lease != nil { return .reply(409, status(409, "AlreadyExists")) }
      if request.method == "PUT", state.lease?.metadata.resourceVersion != lease.metadata.resourceVersion {
        return .reply(409, status(409, "Conflict"))
      }
      state.version += 1
      state.writes += 1
      lease.metadata.resourceVersion = "\(state.version)"
      state.lease = lease
      return state.losesAnswers ? .failure(TransportError(.broken, "lost")) : .reply(200, Self.text(lease))
    }
  }

  private static func text(_ lease: Lease) -> String { String(decoding: lease.json().encoded, as: UTF8.self) }
}

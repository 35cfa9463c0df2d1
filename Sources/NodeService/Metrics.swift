internal import LogicalVolumes
internal import Synchronization
internal import StorageModel
internal import Telemetry

/// Counters and latencies of the service. The number of label values is bounded: no label is a volume's name.
package final class Metrics: Sendable {
  /// The phases of a call.
  package enum Phase: String, Sendable, CaseIterable {
    case create, clone, probe, format, stage, publish, unpublish, unstage, extend, grow, remove
  }

  struct Call: Hashable, Sendable {
    let verb: String
    let outcome: String
  }

  struct State: Sendable {
    var calls: [Call: Int] = [:]
    var callSeconds: [String: Histogram] = [:]
    var phases: [Phase: Histogram] = [:]
    var inFlight = 0
    var refusedConnections = 0
    var sweepFailures = 0
  }

  private let state = Mutex(State())

  package init() {}

  package func record(_ phase: Phase, _ elapsed: Duration) {
    state.withLock { $0.phases[phase, default: Histogram()].add(elapsed.inSeconds) }
  }

  package func beginCall() { state.withLock { $0.inFlight += 1 } }

  /// - Parameters:
  /// - verb: one of a bounded number of verbs.
  ///   - outcome: `success`, or the code of the error.
  package func endCall(_ verb: String, outcome: String, _ elapsed: Duration) {
    state.withLock { state in
      state.inFlight -= 1
      state.calls[Call(verb: verb, outcome: outcome), default: 0] += 1
      state.callSeconds[verb, default: Histogram()].add(elapsed.inSeconds)
    }
  }

  package func refuseConnection() { state.withLock { $0.refusedConnections += 1 } }

  var snapshot: State { state.withLock { $0 } }
}

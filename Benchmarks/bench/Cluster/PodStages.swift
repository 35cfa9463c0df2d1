import LinuxSystem

/// The times of each stage of a pod's start, relative to its creation: from the audit log, and from the containers'
/// output.
struct PodStages {
  enum Stage: CaseIterable {
    case chosen, handed, written, made, bound, assigned, started
  }

  private var times: [BenchPod.Kind: [Stage: [Duration]]] = [:]

  /// The stages of one pod and its claim of the same name.
  private struct Way {
    var created: Timestamp?
    var stages: [Stage: Timestamp] = [:]

    /// The first time counts.
    mutating func record(_ stage: Stage, _ time: Timestamp) { stages[stage] = stages[stage] ?? time }
  }

  init(log: [AuditLog.Request], started: [(pod: BenchPod, time: Timestamp)]) throws {
    var ways = Self.ways(in: log)
    for (pod, time) in started {
      ways[pod.name]?.record(.started, time)
      guard let way = ways[pod.name], let created = way.created else {
        throw NotMeasured("the pod \(pod.name) is not in the audit log")
      }
      for (stage, time) in way.stages { times[pod.kind, default: [:]][stage, default: []].append(time - created) }
    }
  }

  /// Nil if pods of this kind do not have this stage.
  func median(_ kind: BenchPod.Kind, _ stage: Stage) -> Duration? {
    times[kind]?[stage].map { bench.median($0) }
  }

  private static func ways(in log: [AuditLog.Request]) -> [String: Way] {
    var ways: [String: Way] = [:]
    // From the names of our PVs to those of their claims.
    var claims: [String: String] = [:]
    for request in log where request.isSuccess {
      let name = request.name
      switch (request.verb, request.resource) {
      case ("create", "pods"):
        if ways[name]?.created == nil { ways[name, default: Way()].created = request.received }
      case ("create", "pods/binding"): ways[name, default: Way()].record(.assigned, request.answered)
      case ("update", "persistentvolumeclaims") where request.who == .scheduler:
        ways[name, default: Way()].record(.chosen, request.answered)
        claims["pvc-\(request.uid)"] = name
      case ("update", "persistentvolumeclaims") where ways[name]?.stages[.chosen] != nil:
        ways[name]?.record(.handed, request.answered)
      case ("update", "persistentvolumeclaims/status"): ways[name, default: Way()].record(.bound, request.answered)
      case ("create", "persistentvolumes"): claims[name].map { ways[$0]?.record(.written, request.answered) }
      case ("patch", "persistentvolumes"): claims[name].map { ways[$0]?.record(.made, request.answered) }
      default: break
      }
    }
    return ways
  }
}

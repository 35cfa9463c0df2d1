import JSON
import KubernetesAPI
import Synchronization

/// Creates claims with a pod each at once. Measures the time until a watch shows each of them bound.
///
/// The pods need only the scheduler; their nodes are objects without machines.
final class ClaimRun: Sendable {
  private let client: APIClient
  private let className: String
  private let prefix: String
  private let times = Mutex(Times())

  private struct Times {
    var created: [String: ContinuousClock.Instant] = [:]
    var bound: [String: ContinuousClock.Instant] = [:]
  }

  init(client: APIClient, className: String, prefix: String) {
    self.client = client
    self.className = className
    self.prefix = prefix
  }

  /// The times of a run.
  struct Figures {
    /// From the first create request until the last claim is bound.
    let all: Duration
    /// Statistics of the claims' own times, from create request to bound.
    let median, percentile95, longest: Duration
  }

  func run(_ count: Int) async throws -> Figures {
    let claims = Reflector<PersistentVolumeClaim, String>(client, Selection(labels: "bench=\(prefix)")) { $0.phase }
    let watching = Task {
      await claims.run { change in
        if case .updated(let key, "Bound", _) = change { self.recordBound(key.name) }
      }
    }
    defer { watching.cancel() }
    while !claims.isSynced { try await Task.sleep(for: .milliseconds(10)) }
    let began = ContinuousClock.now
    try await client.each(0..<count) { try await self.make("\(self.prefix)-\($0)") }
    let limit = began + .seconds(900)
    while times.withLock({ $0.bound.count }) < count {
      guard ContinuousClock.now < limit else {
        throw NotMeasured("\(times.withLock { $0.bound.count }) of \(count) claims are bound after 900 s")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    return try figures(count, began)
  }

  private func recordBound(_ name: String) {
    times.withLock { times in
      if times.bound[name] == nil { times.bound[name] = .now }
    }
  }

  private func make(_ name: String) async throws {
    let labels: JSONValue = .object([.init("bench", .string(prefix))])
    let metadata: JSONValue = ["name": .string(name), "namespace": "default", "labels": labels]
    times.withLock { $0.created[name] = .now }
    try await client.create(
      [
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata,
        "spec": [
          "accessModes": ["ReadWriteOnce"], "storageClassName": .string(className),
          "resources": ["requests": ["storage": "64Mi"]],
        ],
      ], in: "default", as: PersistentVolumeClaim.resource)
    try await client.create(
      [
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": [
          "containers": [
            [
              "name": "main", "image": "localhost/busybox:1", "imagePullPolicy": "Never",
              "volumeMounts": [["name": "data", "mountPath": "/data"]],
            ]
          ],
          "volumes": [["name": "data", "persistentVolumeClaim": ["claimName": .string(name)]]],
        ],
      ], in: "default", as: Pod.resource)
  }

  private func figures(_ count: Int, _ began: ContinuousClock.Instant) throws -> Figures {
    let (created, bound) = times.withLock { ($0.created, $0.bound) }
    let waits = bound.compactMap { name, end in created[name].map { end - $0 } }.sorted()
    guard waits.count == count, let end = bound.values.max() else {
      throw NotMeasured("\(waits.count) of \(count) claims that are bound are ours")
    }
    return Figures(
      all: end - began, median: waits[count / 2], percentile95: waits[count * 95 / 100], longest: waits[count - 1])
  }
}

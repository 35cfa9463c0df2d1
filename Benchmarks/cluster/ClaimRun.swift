import JSON
import KubernetesAPI
import Synchronization

/// Claims with a pod each, made at once, and how long it takes until a watch shows each of them bound.
///
/// The pods need the scheduler only: their nodes are objects.
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

  func run(_ count: Int) async throws {
    let claims = Reflector<PersistentVolumeClaim, String>(client, Selection(labels: "bench=\(prefix)")) { $0.phase }
    let watching = Task {
      await claims.run { change in
        if case .updated(let key, "Bound", _) = change { self.noteBound(key.name) }
      }
    }
    defer { watching.cancel() }
    while !claims.isSynced { try await Task.sleep(for: .milliseconds(10)) }
    let began = ContinuousClock.now
    try await client.each(0..<count) { try await self.make("\(self.prefix)-\($0)") }
    let made = ContinuousClock.now
    let limit = began + .seconds(900)
    while times.withLock({ $0.bound.count }) < count {
      guard ContinuousClock.now < limit else {
        throw Wrong("\(times.withLock { $0.bound.count }) of \(count) claims are bound after 900 s")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    report(count, began, made)
  }

  private func noteBound(_ name: String) {
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

  /// Words for a script: all of it, the making alone, and of the claims' own times the median, the 95th percentile and
  /// the longest; milliseconds.
  private func report(_ count: Int, _ began: ContinuousClock.Instant, _ made: ContinuousClock.Instant) {
    let (created, bound) = times.withLock { ($0.created, $0.bound) }
    let waits = bound.compactMap { name, end in created[name].map { milliseconds(end - $0) } }.sorted()
    let end = bound.values.max() ?? began
    let figures = [
      milliseconds(end - began), milliseconds(made - began), waits[count / 2], waits[count * 95 / 100],
      waits[count - 1],
    ]
    print(figures.map { "\($0)" }.joined(separator: " "))
  }

  private func milliseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}

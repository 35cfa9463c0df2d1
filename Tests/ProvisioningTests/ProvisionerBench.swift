import Controllers
import KubernetesAPI
import LinuxSystem
import Provisioning
import StorageModel
import TestSupport
import Testing
import StorageLedger

/// A provisioner on a simulated cluster, with a clock that runs a thousand times as fast.
struct ProvisionerBench: Sendable {
  let cluster = SimulatedCluster()
  let allocator: Allocator
  let provisioner: Provisioner

  init(
    parallelism: Int = 16, nodeGrace: Duration = .seconds(600), time: any Timekeeper = FastTime(),
    log: @escaping @Sendable (LogLine) -> Void = { _ in }
  ) {
    allocator = Allocator(writes: cluster, time: time)
    provisioner = Provisioner(
      writes: cluster, allocator: allocator, kept: .unused,
      configuration: .init(parallelism: parallelism, nodeGrace: nodeGrace),
      time: time,
      log: log)
  }

  /// Runs the body with the provisioner at work.
  func run(_ body: @Sendable () async throws -> Void) async throws {
    let feeding = Task {
      for await change in cluster.changes {
        switch change {
        case .volume(let name, let volume): await provisioner.volume(name, volume)
        case .claim(let key, let claim): await provisioner.claim(key, claim)
        case .node(let name, let node): await provisioner.node(name, node?.metadata.labels)
        }
      }
    }
    let settling = Task { await allocator.run() }
    let working = Task { await provisioner.run() }
    await provisioner.becomeSynced()
    defer {
      feeding.cancel()
      settling.cancel()
      working.cancel()
    }
    try await body()
    working.cancel()
    await working.value
  }

  func addNode(_ name: String, gibibytes: UInt64) async {
    var node = Node(metadata: ObjectMeta(name: name, labels: [ClusterNames.hostnameLabel: "host-\(name)"]))
    node.isReady = true
    cluster.set(node, named: name)
    await provisioner.node(name, node.metadata.labels)
    await provisioner.storage(of: name, storage(name, gibibytes: gibibytes))
  }

  func addClass(_ storageClass: StorageClass = Samples.storageClass()) async {
    await provisioner.storageClass(storageClass.metadata.name, storageClass)
  }

  /// Waits until a condition holds, for at most 20 real seconds.
  func eventually(
    _ what: String, at location: SourceLocation = #_sourceLocation, _ isTrue: (SimulatedCluster.State) -> Bool
  ) async {
    for _ in 0..<4000 {
      if cluster.look({ isTrue($0) }) { return }
      try? await Task.sleep(for: .milliseconds(5))
    }
    let state = cluster.look { "\($0.volumes.count) PVs, notes \($0.events.map(\.event.message))" }
    Issue.record("never: \(what); \(state)", sourceLocation: location)
  }
}

extension ProvisionerBench {
  /// Waits until the provisioner has handled all that it was shown so far.
  func eventuallyIdle() async {
    for _ in 0..<4000 {
      let snapshot = await provisioner.snapshot
      if snapshot.due == 0, snapshot.running == 0 { return }
      try? await Task.sleep(for: .milliseconds(2))
    }
    Issue.record("the provisioner does not come to rest")
  }
}

enum Samples {
  static func storageClass(
    _ parameters: StringMap = [:], binding: String = "WaitForFirstConsumer"
  ) -> StorageClass {
    var result = StorageClass(metadata: ObjectMeta(name: "elastic-local"))
    result.provisioner = ClusterNames.provisioner
    result.parameters = parameters
    result.volumeBindingMode = binding
    result.allowVolumeExpansion = true
    return result
  }

  static func claim(_ name: String, gibibytes: Int64 = 1, node: String? = "a") -> PersistentVolumeClaim {
    var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: name, namespace: "default", uid: "uid-of-\(name)"))
    claim.metadata.annotations[PersistentVolumeClaim.provisionerAnnotations[0]] = ClusterNames.provisioner
    claim.metadata.annotations[PersistentVolumeClaim.selectedNodeAnnotation] = node
    claim.storageClassName = "elastic-local"
    claim.accessModes = ["ReadWriteOnce"]
    claim.request = Quantity(gibibytes << 30)
    claim.phase = "Pending"
    return claim
  }

  static func volume(of claim: String) -> String { "pvc-uid-of-\(claim)" }
}

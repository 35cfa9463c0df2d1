import Controllers
import KubernetesAPI
import LinuxSystem
import Provisioning
import StorageModel
import TestSupport
import Testing
import StorageLedger

/// A provisioner at an API server in memory, with a clock that runs a thousand times as fast.
struct ProvisionerBench: Sendable {
  let cluster: ClaimWorld
  private let product: ProvisionerUnderTest

  init(
    parallelism: Int = 16, nodeGrace: Duration = .seconds(600), time: any Timekeeper = FastTime(),
    log: @escaping @Sendable (LogLine) -> Void = { _ in }
  ) {
    cluster = ClaimWorld(time: time)
    product = ProvisionerUnderTest(
      cluster.server, time: time, configuration: .init(parallelism: parallelism, nodeGrace: nodeGrace), kept: .unused,
      log: log)
  }

  var allocator: Allocator { product.allocator }
  var provisioner: Provisioner { product.provisioner }

  /// Runs the body with the provisioner at work. When this returns, its work has ended and its Events are sent.
  func run(_ body: @Sendable () async throws -> Void) async throws {
    let sending = Task { await product.sendEvents() }
    let working = Task { await product.work() }
    defer {
      working.cancel()
      sending.cancel()
    }
    try await body()
    working.cancel()
    await working.value
    await product.drainEvents()
  }

  func addNode(_ name: String, gibibytes: UInt64) {
    cluster.addNode(name, hostname: "host-\(name)")
    cluster.say(storage(name, gibibytes: gibibytes))
  }

  func addClass(_ storageClass: StorageClass = Samples.storageClass()) { cluster.add(storageClass) }

  /// Waits until a condition holds, for at most 20 real seconds. As for ``ClaimWorld/look(_:)``, it must not use the server.
  func eventually(
    _ what: String, at location: SourceLocation = #_sourceLocation, _ isTrue: (ClaimTruth) -> Bool
  ) async {
    for _ in 0..<4000 {
      if cluster.look({ isTrue($0) }) { return }
      try? await Task.sleep(for: .milliseconds(5))
    }
    let state = cluster.look { "\($0.volumes.count) PVs, Events \($0.events.map(\.message))" }
    Issue.record("never: \(what); \(state)", sourceLocation: location)
  }
}

extension ProvisionerBench {
  /// Waits until the provisioner has handled all changes and sent all its Events.
  func eventuallyIdle() async {
    for _ in 0..<4000 {
      if await isIdle { return }
      try? await Task.sleep(for: .milliseconds(2))
    }
    Issue.record("the provisioner does not come to rest")
  }

  private var isIdle: Bool {
    get async {
      let version = cluster.server.version
      guard cluster.server.isFollowed(by: product.watches) else { return false }
      let snapshot = await provisioner.snapshot
      guard snapshot.isSynced, snapshot.due == 0, snapshot.running == 0 else { return false }
      await product.drainEvents()
      // Idle only if nothing was written meanwhile.
      return cluster.server.version == version
    }
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

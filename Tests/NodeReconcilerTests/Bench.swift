import Controllers
import KubernetesAPI
import LinuxSystem
import LogicalVolumes
import NodeService
import StorageModel
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import NodeReconciler

/// A node with a simulated disk, a simulated API server, and the real reconciler between them.
final class Bench: Sendable {
  static let claim = "0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f"
  static let name = "pvc-" + claim

  let world: SimulatedWorld
  let writes = ObservedWrites()
  let knowledge: Knowledge
  let context: NodeContext
  let service: VolumeService
  /// The same node before it had an API server: makes volumes without asking.
  let earlier: VolumeService
  private let directory: TemporaryDirectory

  init(
    gibibytes: UInt64 = 10, allowsInlineVolumes: Bool = false, waits: Bool = false, steps: StepPoints = .none
  ) throws {
    knowledge = Knowledge(
      node: "node-1", allowsInlineVolumes: allowsInlineVolumes, patience: waits ? .init() : .tests)
    world = SimulatedWorld(totalSize: .gibibytes(gibibytes))
    directory = try TemporaryDirectory()
    context = NodeContext(
      configuration: NodeConfiguration(nodeName: "node-1", stateDirectory: directory.path),
      engine: SimulatedEngine(world: world), system: SimulatedNodeSystem(world: world), steps: steps,
      cluster: knowledge, log: .silent)
    try context.permits.prepare()
    service = VolumeService(context)
    earlier = VolumeService(
      NodeContext(
        configuration: context.configuration, engine: context.engine, system: context.system, log: .silent))
  }

  func reconciler(time: any Timekeeper = SystemTimekeeper()) -> NodeReconciler {
    NodeReconciler(
      service: service, writes: writes, knowledge: knowledge,
      configuration: .init(node: "node-1", hostname: "host-1", isThinByDefault: false), log: .silent,
      time: time)
  }

  /// A PV of our provisioner's for this node.
  static func volume(
    _ name: String = name, gibibytes: UInt64 = 1, _ change: (inout PersistentVolume) -> Void = { _ in }
  ) -> PersistentVolume {
    var volume = PersistentVolume(
      metadata: ObjectMeta(
        name: name, uid: "uid-\(name)", labels: [ClusterNames.nodeLabel: "node-1"],
        annotations: ["pv.kubernetes.io/provisioned-by": ClusterNames.provisioner],
        finalizers: [ClusterNames.finalizer]))
    volume.capacity = Quantity(.gibibytes(gibibytes))
    volume.flexVolume = FlexVolumeSource(
      driver: ProductNames.driver, options: ["sizeBytes": "\(ByteCount.gibibytes(gibibytes).bytes)"])
    volume.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-1"])
    volume.claim = ObjectReference(namespace: "default", name: "data", uid: String(name.dropFirst(4)))
    volume.reclaimPolicy = "Delete"
    volume.phase = "Bound"
    change(&volume)
    return volume
  }

  /// The same on its way out, its claim gone.
  static func dying(
    _ name: String = name, _ change: (inout PersistentVolume) -> Void = { _ in }
  ) -> PersistentVolume {
    volume(name) { volume in
      volume.phase = "Released"
      volume.metadata.annotations[ClusterNames.removalAnnotation] = ""
      volume.metadata.deletionTimestamp = Timestamp(seconds: 1, nanoseconds: 0)
      change(&volume)
    }
  }

  /// One look at a PV as the watch shows it, and what is reported after it.
  @discardableResult
  func process(
    _ seen: PersistentVolume, with reconciler: NodeReconciler
  ) async -> Ending {
    await reconciler.volume(seen.metadata.name, seen)
    let ending = await reconciler.process(volume: seen.metadata.name)
    _ = await reconciler.reportNow()
    return ending
  }

  /// Runs the body while the node's reports are sent at once, as the running reconciler does it.
  func reporting(_ body: () async throws -> Void) async throws {
    let reconciler = reconciler()
    let reporting = Task {
      while !Task.isCancelled {
        _ = await reconciler.reportNow()
        try? await Task.sleep(for: .milliseconds(1))  // cancelled: the loop ends
      }
    }
    defer { reporting.cancel() }
    try await body()
  }

  func stored(_ name: String = name) -> StoredVolume? { world.state.withLock { $0.volumes[name] } }
  func formats(_ name: String = name) -> Int? { world.state.withLock { $0.formats["/dev/simulated/\(name)"] } }
}

extension VolumeService {
  /// The volume of a PV with these options, made for a pod `namespace/name` if one is named.
  @discardableResult
  func prepare(
    _ name: VolumeName, _ options: [String: String], pod: String? = nil
  ) async throws -> String {
    let words = pod.map { $0.split(separator: "/").map(String.init) }
    let consumer = words.map { PodName(namespace: $0[0], name: $0[1]) }
    return try await prepare(VolumeRequest(name, try VolumeOptions(options), consumer: consumer))
  }
}

extension Knowledge.Patience {
  /// So that a test of what does not come needs not wait long.
  static let tests: Self = {
    var patience = Self()
    patience.creation = .milliseconds(200)
    patience.interval = .milliseconds(5)
    patience.silence = .zero
    return patience
  }()
}

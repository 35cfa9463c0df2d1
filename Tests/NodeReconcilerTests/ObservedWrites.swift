import Controllers
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import Synchronization
import Telemetry
import TestSupport

@testable import NodeReconciler

/// A node's requests to an API server in memory, and what a test sees of them and does beside them.
///
/// The requests are the daemon's own. The provisioner's part is played here, without its checks: it follows each report before
/// the report's call returns, so that a test of the node alone waits for nobody. Events are not sent: their recorder has tests
/// of its own.
final class ObservedWrites: NodeWrites {
  private static let node = ObjectKey(namespace: "elastic-local", name: "node-1")

  private let server: SimulatedAPIServer
  private let writes: APINodeWrites
  private let state = Mutex(State())

  private struct State {
    var requests: [String] = []
    var said: [VolumeReport] = []
    var events: [SentEvent] = []
    var looks = 0
    var hasProvisioner = true
    var beforeLook: (@Sendable (Int) -> Void)?
    var beforeFollowing: (@Sendable (inout PersistentVolume) -> Void)?
  }

  struct SentEvent: Sendable {
    var object: String
    var reason: String
    var message: String
  }

  init() {
    let time = FastTime()
    server = SimulatedAPIServer(time: time)
    let access = APIAccess(server, component: "test", log: .silent, complaint: "not read", time: time)
    writes = APINodeWrites(access, node: Self.node.name, namespace: Self.node.namespace, owner: nil)
  }

  // MARK: The node's

  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume? {
    let (look, count) = state.withLock { state in
      state.requests.append("get \(name)")
      state.looks += 1
      return (state.beforeLook, state.looks)
    }
    look?(count)
    return try await writes.volume(name)
  }

  func report(_ storage: NodeStorage, _ reports: [VolumeReport]) async throws(WriteFailure) {
    state.withLock { $0.requests.append("publish storage") }
    let former = self.reports
    try await writes.report(storage, reports)
    let isFollowed = state.withLock { state in
      state.said += reports.filter { !former.contains($0) }
      return state.hasProvisioner
    }
    if isFollowed { for report in reports { follow(report) } }
  }

  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String) {
    state.withLock {
      $0.events.append(SentEvent(object: object.name, reason: reason.rawValue, message: message))
    }
  }

  /// What a provisioner makes of a report, without its checks.
  private func follow(_ report: VolumeReport) {
    guard volumes[report.volume]?.metadata.uid == report.uid else { return }
    let race = state.withLock { $0.beforeFollowing.take() }
    server.edit(PersistentVolume.self, ObjectKey(name: report.volume)) { found in
      race?(&found)
      switch report.state {
      case .created: found.metadata.annotations[ClusterNames.instanceAnnotation] = report.instance
      case .requested:
        guard found.nodeAffinity == nil else { return }
        found.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-1"])
        found.metadata.labels[ClusterNames.nodeLabel] = Self.node.name
      case .removed, .kept: found.metadata.finalizers.removeAll { $0 == ClusterNames.finalizer }
      }
    }
  }

  // MARK: What a test sees

  var volumes: [String: PersistentVolume] {
    Dictionary(uniqueKeysWithValues: server.objects(PersistentVolume.self).map { ($0.metadata.name, $0) })
  }

  private var reported: NodeStorageObject? {
    server.objects(NodeStorageObject.self).first { $0.metadata.key == Self.node }
  }
  /// The storage that the node has reported; nil before.
  var storage: NodeStorage? { reported?.storage }
  /// What the node says about volumes.
  var reports: [VolumeReport] { reported?.reports ?? [] }
  /// All that it has ever said.
  var said: [VolumeReport] { state.withLock { $0.said } }
  /// The node's calls in order, as `verb object`.
  var requests: [String] { state.withLock { $0.requests } }
  var events: [SentEvent] { state.withLock { $0.events } }

  // MARK: What a test does

  /// The PV as the server then has it.
  @discardableResult
  func put(_ volume: PersistentVolume) -> PersistentVolume {
    server.put(volume)
    return volumes[volume.metadata.name] ?? volume
  }

  /// Whatever may happen to a PV between two looks at it.
  func alter(_ name: String, _ body: (inout PersistentVolume) -> Void) {
    guard var volume = volumes[name] else { return }
    body(&volume)
    server.put(volume)
  }

  func forget(_ name: String) {
    server.edit(PersistentVolume.self, ObjectKey(name: name)) { $0.metadata.finalizers = [] }
    server.remove(PersistentVolume.resource, ObjectKey(name: name))
  }

  func forgetStorage() { server.remove(NodeStorageObject.resource, Self.node) }
  func forgetEvents() { state.withLock { $0.events = [] } }

  /// Whether no connection to the API server comes about.
  func isDown(_ isDown: Bool = true) { server.changeFaults { $0.unreachable = isDown ? 1 : 0 } }

  /// Whether a provisioner is there, which follows each report at once.
  func hasProvisioner(_ hasProvisioner: Bool) { state.withLock { $0.hasProvisioner = hasProvisioner } }

  /// Has the body called before a PV is read, with how often one has been read.
  func beforeLook(_ body: @escaping @Sendable (Int) -> Void) { state.withLock { $0.beforeLook = body } }

  /// Has the body called before the next report is followed, so that somebody else can be faster.
  func beforeFollowing(_ body: @escaping @Sendable (inout PersistentVolume) -> Void) {
    state.withLock { $0.beforeFollowing = body }
  }
}

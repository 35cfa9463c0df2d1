import Controllers
import KubernetesAPI
import LinuxSystem
import NodeReconciler
import StorageModel
import Synchronization

/// An API server in memory, as a node's reconciler sees it.
final class SimulatedWrites: NodeWrites {
  struct State {
    var volumes: [String: PersistentVolume] = [:]
    var storage: NodeStorage?
    /// What the node says about volumes.
    var reports: [VolumeReport] = []
    /// Whether a provisioner is there that follows each report at once.
    var hasProvisioner = true
    /// All that it has ever said.
    var said: [VolumeReport] = []
    var events: [(object: String, reason: String, message: String)] = []
    /// Requests in order, as `verb object`.
    var requests: [String] = []
    var isDown = false
    var version = 0
    /// Called before a PV is read, with how often one has been read.
    var beforeLook: (@Sendable (Int, inout State) -> Void)?
    var looks = 0
    /// Called before a report is followed, so that somebody else can be faster.
    var beforeFollowing: (@Sendable (inout PersistentVolume) -> Void)?
  }

  let state = Mutex(State())

  func look<Value: Sendable>(_ body: (inout State) throws -> Value) rethrows -> Value {
    try state.withLock { state in try body(&state) }
  }

  /// The PV as the server then has it.
  @discardableResult
  func put(_ volume: PersistentVolume) -> PersistentVolume {
    look { state in
      state.version += 1
      var stored = volume
      stored.metadata.resourceVersion = "\(state.version)"
      state.volumes[volume.metadata.name] = stored
      return stored
    }
  }

  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume? {
    try request("get \(name)") { state throws(WriteFailure) in
      state.looks += 1
      state.beforeLook?(state.looks, &state)
      return state.volumes[name]
    }
  }

  func report(_ storage: NodeStorage, _ reports: [VolumeReport]) async throws(WriteFailure) {
    try request("publish storage") { state throws(WriteFailure) in
      state.storage = storage
      let news = reports.filter { !state.reports.contains($0) }
      state.reports = reports
      state.said += news
      if state.hasProvisioner { for report in reports { Self.follow(report, &state) } }
    }
  }

  /// What a provisioner makes of a report, without its checks.
  private static func follow(_ report: VolumeReport, _ state: inout State) {
    guard var found = state.volumes[report.volume], found.metadata.uid == report.uid else { return }
    if let race = state.beforeFollowing {
      state.beforeFollowing = nil
      race(&found)
    }
    switch report.state {
    case .created: found.metadata.annotations[ClusterNames.instanceAnnotation] = report.instance
    case .requested:
      if found.nodeAffinity == nil {
        found.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-1"])
        found.metadata.labels[ClusterNames.nodeLabel] = "node-1"
      }
    case .removed, .kept: found.metadata.finalizers.removeAll { $0 == ClusterNames.finalizer }
    }
    state.version += 1
    found.metadata.resourceVersion = "\(state.version)"
    state.volumes[report.volume] = found.metadata.isBeingDeleted && found.metadata.finalizers.isEmpty ? nil : found
  }

  func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String) {
    look { $0.events.append((object.name, reason.rawValue, message)) }
  }

  private func request<Value: Sendable>(
    _ what: String, _ body: (inout State) throws(WriteFailure) -> Value
  ) throws(WriteFailure) -> Value {
    let result: Result<Value, WriteFailure> = look { state in
      state.requests.append(what)
      if state.isDown { return .failure(WriteFailure(.rejected, "connection refused")) }
      do throws(WriteFailure) { return .success(try body(&state)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}

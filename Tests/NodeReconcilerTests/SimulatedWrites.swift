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
    var rooms: [String: ByteCount] = [:]
    var notes: [(object: String, reason: String, message: String)] = []
    /// Requests in order, as `verb object`.
    var requests: [String] = []
    var isDown = false
    var version = 0
    /// Called before a pin is carried out, so that somebody else can be faster.
    var beforePin: (@Sendable (inout PersistentVolume) -> Void)?
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

  func volume(_ name: String) async throws(APIError) -> PersistentVolume? {
    try request("get \(name)") { state throws(APIError) in state.volumes[name] }
  }

  func liftFinalizer(of volume: PersistentVolume) async throws(APIError) {
    try change(volume, "lift") { found in
      found.metadata.finalizers.removeAll { $0 == ClusterNames.finalizer }
    }
  }

  func noteInstance(_ instance: String, on volume: PersistentVolume) async throws(APIError) {
    try change(volume, "note", whateverVersion: true) {
      $0.metadata.annotations[ClusterNames.instanceAnnotation] = instance
    }
  }

  func pin(_ volume: PersistentVolume, node: String, hostname: String) async throws(APIError) {
    let race = look { state in
      defer { state.beforePin = nil }
      return state.beforePin
    }
    if let race, var found = look({ $0.volumes[volume.metadata.name] }) {
      race(&found)
      put(found)
    }
    try change(volume, "pin") { found in
      found.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: [hostname])
      found.metadata.labels[ClusterNames.nodeLabel] = node
    }
  }

  func publish(_ storage: NodeStorage) async throws(APIError) {
    try request("publish storage") { state throws(APIError) in state.storage = storage }
  }

  func publish(_ room: ByteCount, storageClass: String, hostname: String) async throws(APIError) {
    try request("publish \(storageClass)") { state throws(APIError) in state.rooms[storageClass] = room }
  }

  func withdrawCapacity(except classes: Set<String>) async throws(APIError) {
    try request("withdraw") { state throws(APIError) in state.rooms = state.rooms.filter { classes.contains($0.key) } }
  }

  func tell(_ object: ObjectReference, isWarning: Bool, reason: String, _ message: String) {
    look { $0.notes.append((object.name, reason, message)) }
  }

  private func request<Value: Sendable>(
    _ what: String, _ body: (inout State) throws(APIError) -> Value
  ) throws(APIError) -> Value {
    let result: Result<Value, APIError> = look { state in
      state.requests.append(what)
      if state.isDown { return .failure(APIError(.unavailable, "connection refused")) }
      do throws(APIError) { return .success(try body(&state)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private func change(
    _ volume: PersistentVolume, _ verb: String, whateverVersion: Bool = false, _ body: (inout PersistentVolume) -> Void
  ) throws(APIError) {
    let name = volume.metadata.name
    try request("\(verb) \(name)") { state throws(APIError) in
      guard var found = state.volumes[name] else { throw APIError(.notFound, "no such PV") }
      guard found.metadata.uid == volume.metadata.uid,
        whateverVersion || found.metadata.resourceVersion == volume.metadata.resourceVersion
      else { throw APIError(.conflict, "changed") }
      body(&found)
      state.version += 1
      found.metadata.resourceVersion = "\(state.version)"
      state.volumes[name] = found.metadata.isBeingDeleted && found.metadata.finalizers.isEmpty ? nil : found
    }
  }
}

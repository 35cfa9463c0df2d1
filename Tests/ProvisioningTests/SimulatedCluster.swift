import Controllers
import KubernetesAPI
import LinuxSystem
import Provisioning
import StorageLedger
import StorageModel
import Synchronization
import TestSupport

/// An API server with the PV controller, in memory. It binds, releases and deletes what the provisioner writes, like
/// Kubernetes, and shows the changes in order.
final class SimulatedCluster: ClusterWrites {
  /// The fate of a request.
  enum Fate: Sendable {
    case done, rejected, lostBefore, lostAfter
    /// The answer is lost, and the request is carried out only after a read has found nothing.
    case lostThenDone
  }

  struct State {
    var volumes: [String: PersistentVolume] = [:]
    var claims: [ObjectKey: PersistentVolumeClaim] = [:]
    var nodes: [String: Node] = [:]
    var events: [(object: ObjectReference, event: EventDraft)] = []
    var creations: [String: Int] = [:]
    /// Every change so far in order, if the cluster keeps them.
    var history: [Change]?
    /// The violations that were found at writes. They are never removed.
    var violations: [String] = []
    var version = 0
    /// The fate of the next creations, in order. Later ones are carried out.
    var fates: [Fate] = []
    /// The PVs whose creation never arrives, and how often each was lost.
    var lost: [String: Int] = [:]
    /// Creations whose answers were lost and that will be carried out later, with the time of the request.
    var late: [String: (volume: PersistentVolume, since: Duration)] = [:]
    var isSlow = false
    /// Whether daemons run. They report about volumes at once.
    var hasDaemons = false
    var pods: [ObjectKey: Pod] = [:]
    /// The CSIStorageCapacity objects.
    var capacities: [String: CSIStorageCapacity] = [:]
    /// The number of writes of these objects.
    var capacityWrites = 0
  }

  let state = Mutex(State())
  let changes: AsyncStream<Change>
  private let feed: AsyncStream<Change>.Continuation
  private let time = FastTime()

  enum Change: Sendable {
    case volume(String, PersistentVolume?)
    case claim(ObjectKey, PersistentVolumeClaim?)
    case node(String, Node?)
  }

  init() { (changes, feed) = AsyncStream.makeStream() }

  /// Reads the state, or sets what will happen. No watch shows these changes.
  func look<Value: Sendable>(_ body: (inout State) throws -> Value) rethrows -> Value {
    try state.withLock { state in try body(&state) }
  }

  private func change<Value: Sendable>(
    _ body: (inout State) throws(WriteFailure) -> (Value, [Change])
  ) throws(WriteFailure) -> Value {
    let result: Result<Value, WriteFailure> = state.withLock { state in
      do throws(WriteFailure) {
        let (value, changes) = try body(&state)
        deliver(changes, &state)
        return .success(value)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Runs under the lock, so that changes arrive in order.
  private func deliver(_ changes: [Change], _ state: inout State) {
    for change in changes { feed.yield(change) }
    state.history?.append(contentsOf: changes)
  }

  // MARK: What the provisioner asks

  func create(_ volume: PersistentVolume) async throws(WriteFailure) -> PersistentVolume {
    if state.withLock({ $0.isSlow }) { try? await Task.sleep(for: .milliseconds(5)) }
    let name = volume.metadata.name
    let now = time.now
    return try change { state throws(WriteFailure) in
      let fate = Self.fate(of: name, &state)
      if fate == .rejected { throw WriteFailure(.rejected, "admission webhook says no") }
      if fate == .lostBefore { throw WriteFailure(.unknown, "connection reset") }
      if fate == .lostThenDone {
        state.late[name] = (volume, now)
        throw WriteFailure(.unknown, "timed out")
      }
      guard state.volumes[name] == nil else { throw WriteFailure(.exists, "\(name) exists") }
      let (made, changes) = Self.make(volume, &state)
      if fate == .lostAfter {
        deliver(changes, &state)
        throw WriteFailure(.unknown, "timed out")
      }
      return (made, changes)
    }
  }

  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume? {
    let since = look { $0.late[name]?.since }
    // As late as the API server may be, even on a busy machine.
    if let since, time.now - since > Allocator.writeLimit / 2 { carryOut(name) }
    defer { carryOut(name) }
    return look { $0.volumes[name] }
  }

  /// Carries out all late requests now.
  func carryOut(_ name: String) {
    try? change { state throws(WriteFailure) in
      guard let late = state.late.removeValue(forKey: name), state.volumes[name] == nil else { return ((), []) }
      return ((), Self.make(late.volume, &state).changes)
    }
  }

  func carryOutAll() { for name in look({ $0.late.keys.sorted() }) { carryOut(name) } }

  func delete(_ volume: PersistentVolume) async throws(WriteFailure) {
    try change { state throws(WriteFailure) in
      var found = try Self.require(volume, in: state)
      if !Self.mayBeDeleted(found, state) { state.violations.append("deleted: \(found)") }
      found.metadata.deletionTimestamp = Timestamp(seconds: 1, nanoseconds: 0)
      return ((), Self.store(found, &state))
    }
  }

  func liftFinalizer(of volume: PersistentVolume) async throws(WriteFailure) {
    try change { state throws(WriteFailure) in
      var found = try Self.require(volume, in: state)
      if !found.metadata.isBeingDeleted || found.phase == "Bound" { state.violations.append("given up: \(found)") }
      found.metadata.finalizers.removeAll { $0 == ClusterNames.finalizer }
      return ((), Self.store(found, &state))
    }
  }

  func setCapacity(_ capacity: Quantity, of volume: PersistentVolume) async throws(WriteFailure) {
    try change { state throws(WriteFailure) in
      var found = try Self.require(volume, in: state)
      found.capacity = capacity
      return ((), Self.store(found, &state))
    }
  }

  func record(
    _ instance: String, on volume: String, uid: String, node: String
  ) async throws(WriteFailure) {
    try change { state throws(WriteFailure) in
      guard var found = state.volumes[volume] else { throw WriteFailure(.missing, "gone") }
      guard found.metadata.uid == uid, found.metadata.labels[ClusterNames.nodeLabel] == node else {
        throw WriteFailure(.conflict, "changed")
      }
      if found.instance != nil { state.violations.append("recorded twice: \(found)") }
      found.metadata.annotations[ClusterNames.instanceAnnotation] = instance
      return ((), Self.store(found, &state))
    }
  }

  func record(_ instance: String, on volume: PersistentVolume) async throws(WriteFailure) {
    try edit(volume) { $0.metadata.annotations[ClusterNames.instanceAnnotation] = instance }
  }

  func assign(
    _ volume: PersistentVolume, to node: String, hostname: String
  ) async throws(WriteFailure) -> PersistentVolume {
    try edit(volume) { found in
      found.metadata.labels[ClusterNames.nodeLabel] = node
      if found.nodeAffinity == nil {
        found.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: [hostname])
      }
    }
    return look { $0.volumes[volume.metadata.name] ?? volume }
  }

  func agreeToRemoval(of volume: PersistentVolume) async throws(WriteFailure) {
    if look({ state in !Self.mayBeDeleted(volume, state) || !volume.metadata.isBeingDeleted }) {
      look { $0.violations.append("agreed to the removal of: \(volume)") }
    }
    try edit(volume) { $0.metadata.annotations[ClusterNames.removalAnnotation] = $0.instance ?? "" }
  }

  /// Changes exactly this PV. Throws `conflict` if it has changed since it was read.
  private func edit(
    _ volume: PersistentVolume, _ body: (inout PersistentVolume) -> Void
  ) throws(WriteFailure) {
    try change { state throws(WriteFailure) in
      var found = try Self.require(volume, in: state)
      body(&found)
      return ((), Self.store(found, &state))
    }
  }

  func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim? { look { $0.claims[key] } }
  func pod(_ key: ObjectKey) async throws(WriteFailure) -> Pod? { look { $0.pods[key] } }

  func capacities() async throws(WriteFailure) -> [CSIStorageCapacity] { look { Array($0.capacities.values) } }

  func writeCapacity(_ capacity: ByteCount, for place: CapacityPlace) async throws(WriteFailure) {
    look { state in
      state.capacityWrites += 1
      var object = CSIStorageCapacity(metadata: ObjectMeta(name: place.objectName, namespace: "elastic-local"))
      object.storageClassName = place.storageClass
      object.nodeLabels = [ClusterNames.hostnameLabel: place.hostname]
      object.capacity = Quantity(capacity)
      state.capacities[place.objectName] = object
    }
  }

  func delete(_ capacity: CSIStorageCapacity) async throws(WriteFailure) {
    look { $0.capacities[capacity.metadata.name] = nil }
  }

  func removeSelectedNode(_ node: String, from claim: PersistentVolumeClaim) async throws(WriteFailure) {
    try change { state throws(WriteFailure) in
      guard var found = state.claims[claim.metadata.key], found.selectedNode == node else {
        throw WriteFailure(.conflict, "changed")
      }
      found.metadata.annotations[PersistentVolumeClaim.selectedNodeAnnotation] = nil
      state.claims[claim.metadata.key] = found
      return ((), [.claim(claim.metadata.key, found)])
    }
  }

  func node(_ name: String) async throws(WriteFailure) -> Node? { state.withLock { $0.nodes[name] } }

  func sendEvent(_ object: ObjectReference, _ event: EventDraft) {
    state.withLock { $0.events.append((object, event)) }
  }

  // MARK: What users, nodes and Kubernetes do

  func add(_ claim: PersistentVolumeClaim) {
    try? change { state throws(WriteFailure) in
      state.claims[claim.metadata.key] = claim
      return ((), [.claim(claim.metadata.key, claim)])
    }
  }

  func edit(_ key: ObjectKey, _ body: (inout PersistentVolumeClaim) -> Void) {
    try? change { state throws(WriteFailure) in
      guard var claim = state.claims[key] else { return ((), []) }
      body(&claim)
      state.claims[key] = claim
      return ((), [.claim(key, claim)])
    }
  }

  /// Removes the claim. The PV controller releases its PV.
  func removeClaim(_ key: ObjectKey) {
    try? change { state throws(WriteFailure) in
      guard let claim = state.claims.removeValue(forKey: key) else { return ((), []) }
      var changes: [Change] = [.claim(key, nil)]
      for name in state.volumes.keys where state.volumes[name]?.claim?.uid == claim.metadata.uid {
        changes += Self.bind(name, &state)
      }
      return ((), changes)
    }
  }

  func set(_ node: Node?, named name: String) {
    try? change { state throws(WriteFailure) in
      state.nodes[name] = node
      return ((), [.node(name, node)])
    }
  }

  func edit(volume name: String, _ body: (inout PersistentVolume) -> Void) {
    try? change { state throws(WriteFailure) in
      guard var volume = state.volumes[name] else { return ((), []) }
      body(&volume)
      return ((), Self.store(volume, &state))
    }
  }

  static let recreatedPrefix = "uid-anew-"

  /// Deletes the object by force and creates it again with another UID.
  func recreate(volume name: String) {
    try? change { state throws(WriteFailure) in
      guard var volume = state.volumes[name], !volume.metadata.isBeingDeleted else { return ((), []) }
      volume.metadata.uid = Self.recreatedPrefix + "\(state.version)"
      return ((), [.volume(name, nil)] + Self.store(volume, &state))
    }
  }

  func removeAllClaims(where isMeant: (ObjectKey, PersistentVolumeClaim) -> Bool) {
    for key in look({ $0.claims.filter { isMeant($0.key, $0.value) }.map(\.key) }) { removeClaim(key) }
  }

  func put(_ volume: PersistentVolume) {
    try? change { state throws(WriteFailure) in ((), Self.store(volume, &state)) }
  }

  // MARK: Rules

  /// Whether, in the cluster's true state, no claim has the volume and its policy does not keep it.
  private static func mayBeDeleted(_ volume: PersistentVolume, _ state: State) -> Bool {
    !state.claims.values.contains {
      $0.metadata.uid == volume.claim?.uid || $0.volumeName == volume.metadata.name
    } && volume.reclaimPolicy == "Delete"
      && ClusterNames.provisioners.contains(
        volume.metadata.annotations["pv.kubernetes.io/provisioned-by"] ?? "")
  }

  private static func fate(of name: String, _ state: inout State) -> Fate {
    if let times = state.lost[name] {
      state.lost[name] = times + 1
      return .lostBefore
    }
    return state.fates.isEmpty ? .done : state.fates.removeFirst()
  }

  private static func make(
    _ volume: PersistentVolume, _ state: inout State
  ) -> (made: PersistentVolume, changes: [Change]) {
    let name = volume.metadata.name
    state.version += 1
    state.creations[name, default: 0] += 1
    var made = volume
    made.metadata.uid = "uid-\(state.version)"
    made.metadata.resourceVersion = "\(state.version)"
    made.phase = "Available"
    state.volumes[name] = made
    return (made, [.volume(name, made)] + bind(name, &state))
  }

  private static func require(
    _ volume: PersistentVolume, in state: State
  ) throws(WriteFailure) -> PersistentVolume {
    guard let found = state.volumes[volume.metadata.name] else { throw WriteFailure(.missing, "gone") }
    guard found.metadata.uid == volume.metadata.uid,
      found.metadata.resourceVersion == volume.metadata.resourceVersion
    else { throw WriteFailure(.conflict, "changed") }
    return found
  }

  /// Removes an object that is being deleted and has no finalizer left.
  private static func store(_ volume: PersistentVolume, _ state: inout State) -> [Change] {
    let name = volume.metadata.name
    var volume = volume
    if state.hasDaemons, volume.metadata.isBeingDeleted { volume.metadata.finalizers = [] }
    if volume.metadata.isBeingDeleted, volume.metadata.finalizers.isEmpty {
      state.volumes[name] = nil
      return [.volume(name, nil)]
    }
    state.version += 1
    var stored = volume
    stored.metadata.resourceVersion = "\(state.version)"
    state.volumes[name] = stored
    return [.volume(name, stored)]
  }

  /// Acts as the PV controller: binds a PV to the claim that it names, or releases it.
  private static func bind(_ name: String, _ state: inout State) -> [Change] {
    guard var volume = state.volumes[name], let meant = volume.claim else { return [] }
    let key = ObjectKey(namespace: meant.namespace, name: meant.name)
    if var claim = state.claims[key], claim.metadata.uid == meant.uid {
      claim.volumeName = name
      claim.phase = "Bound"
      claim.capacity = volume.capacity
      state.claims[key] = claim
      volume.phase = "Bound"
      return store(volume, &state) + [.claim(key, claim)]
    }
    volume.phase = "Released"
    return store(volume, &state)
  }
}

internal import Controllers
package import KubernetesAPI
package import StorageModel
internal import Synchronization

/// Reserves space on nodes and creates PVs there: reserve, write, confirm. The one place in a cluster that gives out space.
///
/// It owns the ``Ledger``. Controllers are its clients: each asks with ``create(_:as:isOurs:)`` and gets one ``Allocation``,
/// whatever answers are lost. It works by volume, so it does not matter what becomes of the claim, or of the client. No space
/// is given twice: a reservation is made inside the actor, in one step with the check, and lasts until a list or watch shows
/// the PV or until it is known that the PV was not and will not be written.
///
/// Nothing here is stored. A new leader begins with an empty one, and shows it nodes, storage and PVs before the first
/// ``create(_:as:isOurs:)``.
package actor Allocator {
  /// How long the API server may still carry out a request whose answer was lost: its `--request-timeout`, 60 s unless set
  /// (kube-apiserver 1.20 to 1.36), and a margin for etcd.
  package static let writeLimit = Duration.seconds(90)

  let writes: any VolumeWrites
  let time: any Timekeeper
  private let loop: ReconcileLoop<String>
  private let listeners = Mutex<[@Sendable (FreeSpaceChange) -> Void]>([])

  private(set) var ledger = Ledger()
  private var hostnames = Hostnames()
  private var storages: [String: NodeStorage] = [:]
  /// PVs of which nobody knows whether they were, or will be, written.
  private(set) var doubts: [String: Doubt] = [:]
  /// Volumes that a request is under way for, and who waits for its end.
  private var turns: [String: [CheckedContinuation<Void, Never>]] = [:]

  struct Doubt: Sendable {
    /// When the API server carries out no request without an answer any more.
    var end: Duration
    /// Whether only one request can have made the PV: if it is there, nothing more is to come.
    var isSingle = true
  }

  package init(writes: any VolumeWrites, time: any Timekeeper = SystemTimekeeper()) {
    self.writes = writes
    self.time = time
    loop = ReconcileLoop(parallelism: 4, time: time)
    loop.open()
  }

  /// Settles what is in doubt, until the task is cancelled. Returns when the last request has ended. Call once.
  package func run() async { await loop.run { await self.resolveDoubt($0) } }

  /// Calls the body, on any thread, after each change of a node's free space. It must not block.
  package nonisolated func onChange(_ body: @escaping @Sendable (FreeSpaceChange) -> Void) {
    listeners.withLock { $0.append(body) }
  }

  // MARK: For the parts

  func booking(of shown: ShownVolume) -> Booking? { shown.booking(hostnames) }

  /// Changes the ledger's entry of a volume, and tells of it.
  func change<Failure: Error>(
    _ volume: String, _ body: (inout Ledger) throws(Failure) -> Void
  ) throws(Failure) {
    let former = ledger.booking(of: volume)
    try body(&ledger)
    let booking = ledger.booking(of: volume)
    guard booking != former else { return }
    for node in Set([former?.node, booking?.node].compactMap(\.self)) {
      notify(FreeSpaceChange(node: node, isMore: former?.node == node))
    }
  }

  /// Nobody knows whether the PV was written: its space stays reserved.
  func doubt(_ volume: String, until end: Duration) {
    let former = doubts[volume]
    doubts[volume] = Doubt(end: max(end, former?.end ?? end), isSingle: former == nil)
    loop.add(volume, after: end - time.now)
  }

  /// A PV was written while an earlier request is in doubt: the earlier one may be carried out once that PV is gone.
  func keepDoubt(of volume: String) { doubts[volume]?.isSingle = false }

  func endDoubt(of volume: String) {
    doubts[volume] = nil
    loop.remove(volume)
  }

  /// One request at a time for each volume: an answer that another request has overtaken says nothing.
  func beginTurn(_ volume: String) async {
    guard turns[volume] != nil else { return turns[volume] = [] }
    await withCheckedContinuation { turns[volume]?.append($0) }
  }

  func endTurn(_ volume: String) {
    guard turns[volume]?.isEmpty == false else { return turns[volume] = nil }
    turns[volume]?.removeFirst().resume()
  }

  private func notify(_ change: FreeSpaceChange) {
    for listener in listeners.withLock({ $0 }) { listener(change) }
  }
}

// MARK: What lists and watches show

extension Allocator {
  /// A node; nil for one that is gone.
  ///
  /// - Parameter labels: its labels, of which `kubernetes.io/hostname` is what volumes are pinned by.
  package func node(_ name: String, _ labels: StringMap?) {
    let former = hostnames.hostname(of: name)
    let hostname = labels?[ClusterNames.hostnameLabel]
    if labels == nil { hostnames.remove(name) } else { hostnames.set(name, hostname) }
    guard storages[name] != nil, hostname != former else { return }
    for case let hostname? in [name, former, hostname] { updateStorage(of: hostname) }
  }

  /// What a node says that it has; nil when it says nothing any more.
  package func storage(of node: String, _ new: NodeStorage?) {
    guard storages[node] != new else { return }
    storages[node] = new
    updateStorage(of: hostnames.hostname(of: node) ?? node)
  }

  /// A node that is named anew comes before the former one goes: what counts is which one has the hostname now.
  private func updateStorage(of hostname: String) {
    ledger.setStorage(hostnames.reporter(of: hostname).flatMap { storages[$0] }, of: hostname)
    notify(FreeSpaceChange(node: hostname, isMore: true))
  }

  /// A PV; nil for one that is gone or not ours.
  package func volume(_ name: String, _ shown: ShownVolume?) {
    change(name) { ledger in
      guard let shown else { return ledger.forget(name) }
      ledger.observe(shown.booking(hostnames), of: name, uid: shown.uid)
    }
  }

  /// Call before all PVs are listed.
  package func beginListing() { ledger.beginListing() }

  /// A list that began after ``beginListing()`` is complete, and what it lacks has been shown as gone.
  package func endListing() {
    ledger.endListing()
    for node in ledger.reportingNodes { notify(FreeSpaceChange(node: node, isMore: true)) }
  }
}

// MARK: What there is

extension Allocator {
  /// The hostnames of nodes that report storage, sorted.
  package var reportingNodes: [String] { ledger.reportingNodes }

  /// The hostnames of nodes that PVs have space on.
  package var nodesWithVolumes: Set<String> { ledger.nodesWithVolumes }

  /// How many volumes have space.
  package var bookings: Int { ledger.count }

  /// The PVs that have space on a node, sorted.
  package func volumes(on node: String) -> [String] { ledger.volumes(on: node) }

  /// What is free on a node at each of the places.
  package func freeSpaces(on node: String, at places: Set<DeviceClass>) -> [DeviceClass: ByteCount] {
    Dictionary(uniqueKeysWithValues: places.map { ($0, ledger.freeSpace(on: node, at: $0)) })
  }

  /// What is free at each of the places, by hostname.
  package func freeSpaces(at places: Set<DeviceClass>) -> [DeviceClass: [String: ByteCount]] {
    let nodes = ledger.reportingNodes
    let freeSpaces = places.map { place in
      (place, Dictionary(uniqueKeysWithValues: nodes.map { ($0, ledger.freeSpace(on: $0, at: place)) }))
    }
    return Dictionary(uniqueKeysWithValues: freeSpaces)
  }

  /// What the ledger counts for a PV; nil for one without a node and for one that is not ours.
  package func booking(of volume: PersistentVolume) -> Booking? { ShownVolume(volume).flatMap(booking(of:)) }

  /// Whether a volume would fit that had exactly this booking, whatever it has now. Reserves nothing.
  package func check(_ booking: Booking, for volume: String) throws(Shortage) { try ledger.check(booking, for: volume) }

  /// Whether a volume could grow to what this booking wants. See ``Ledger/checkGrowth(_:for:)``. Reserves nothing.
  package func checkGrowth(_ booking: Booking, for volume: String) throws(Shortage) -> Bool {
    try ledger.checkGrowth(booking, for: volume)
  }

  /// Why volumes cannot grow to these sizes; those that can, and those without a node, are left out.
  package func shortages(ofGrowing volumes: [String: ByteCount]) -> [String: Shortage] {
    var shortages: [String: Shortage] = [:]
    for (volume, size) in volumes {
      guard var booking = ledger.booking(of: volume) else { continue }
      booking.wanted = max(booking.size, size)
      do throws(Shortage) { _ = try ledger.checkGrowth(booking, for: volume) } catch { shortages[volume] = error }
    }
    return shortages
  }
}

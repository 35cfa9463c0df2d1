internal import Controllers
package import KubernetesAPI
package import StorageModel
internal import Synchronization

/// Reserves space on nodes and creates PVs there: reserve, write, confirm. The only part of a cluster that gives out
/// space.
///
/// It owns the ``Ledger``. Controllers are its clients. Each calls ``create(_:as:isOurs:)`` and gets one
/// ``Allocation``, even if answers are lost. It works by volume, so it does not depend on the claim or on the client.
/// No space is given twice: the reservation and its check are one step inside the actor. The reservation lasts until a
/// list or watch shows the PV, or until it is known that the PV was not and will not be written.
///
/// Nothing is stored. A new leader begins with an empty allocator, and passes nodes, storage and PVs to it before the
/// first ``create(_:as:isOurs:)``.
package actor Allocator {
  /// How long the API server may still carry out a request whose answer was lost: its `--request-timeout`, 60 s by
  /// default (kube-apiserver 1.20 to 1.36), and a margin for etcd.
  package static let writeLimit = Duration.seconds(90)

  let writes: any VolumeWrites
  let time: any Timekeeper
  private let loop: ReconcileLoop<String>
  private let listeners = Mutex<[@Sendable (FreeSpaceChange) -> Void]>([])

  private(set) var ledger = Ledger()
  private var hostnames = Hostnames()
  private var storages: [String: NodeStorage] = [:]
  /// PVs whose create request got no answer.
  private(set) var doubts: [String: Doubt] = [:]
  /// Volumes with a request in progress, and the callers that wait for its end.
  private var turns: [String: [CheckedContinuation<Void, Never>]] = [:]

  struct Doubt: Sendable {
    /// From this time on the API server no longer carries out a request that got no answer.
    var end: Duration
    /// Whether only one request can have created the PV. If so, once the PV exists, no other will.
    var isSingle = true
  }

  /// Has no nodes and no PVs. Call ``run()`` to resolve doubts.
  package init(writes: any VolumeWrites, time: any Timekeeper = SystemTimekeeper()) {
    self.writes = writes
    self.time = time
    loop = ReconcileLoop(parallelism: 4, time: time)
    loop.open()
  }

  /// Resolves doubts until the task is cancelled. Returns when the last request has ended. Call once.
  package func run() async { await loop.run { await self.resolveDoubt($0) } }

  /// Calls the body, on any thread, after each change of a node's free space. It must not block.
  package nonisolated func onChange(_ body: @escaping @Sendable (FreeSpaceChange) -> Void) {
    listeners.withLock { $0.append(body) }
  }

  // MARK: For the parts

  func booking(of shown: ShownVolume) -> Booking? { shown.booking(hostnames) }

  /// Changes the ledger's entry of a volume, and calls the listeners.
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

  /// Records that a create request got no answer. The PV's space stays reserved.
  func doubt(_ volume: String, until end: Duration) {
    let former = doubts[volume]
    doubts[volume] = Doubt(end: max(end, former?.end ?? end), isSingle: former == nil)
    loop.add(volume, after: end - time.now)
  }

  /// Records that a PV was written while an earlier request is in doubt. The server may still carry out the earlier
  /// request after that PV is gone.
  func keepDoubt(of volume: String) { doubts[volume]?.isSingle = false }

  func endDoubt(of volume: String) {
    doubts[volume] = nil
    loop.remove(volume)
  }

  /// Waits until no other request about the volume is in progress. If two requests overlapped, the answer to the first
  /// could be out of date.
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
  /// Sets a node; nil for a node that is gone.
  ///
  /// - Parameter labels: the node's labels. Volumes are pinned by `kubernetes.io/hostname`.
  package func node(_ name: String, _ labels: StringMap?) {
    let former = hostnames.hostname(of: name)
    let hostname = labels?[ClusterNames.hostnameLabel]
    if labels == nil { hostnames.remove(name) } else { hostnames.set(name, hostname) }
    guard storages[name] != nil, hostname != former else { return }
    for case let hostname? in [name, former, hostname] { updateStorage(of: hostname) }
  }

  /// Sets the storage that a node reports; nil when it reports none any more.
  package func storage(of node: String, _ new: NodeStorage?) {
    guard storages[node] != new else { return }
    storages[node] = new
    updateStorage(of: hostnames.hostname(of: node) ?? node)
  }

  /// A renamed node can appear before the former one disappears. The node that has the hostname now counts.
  private func updateStorage(of hostname: String) {
    ledger.setStorage(hostnames.reporter(of: hostname).flatMap { storages[$0] }, of: hostname)
    notify(FreeSpaceChange(node: hostname, isMore: true))
  }

  /// Sets a PV as a list or watch shows it; nil for one that is gone or not ours.
  package func volume(_ name: String, _ shown: ShownVolume?) {
    change(name) { ledger in
      guard let shown else { return ledger.forget(name) }
      ledger.observe(shown.booking(hostnames), of: name, uid: shown.uid)
    }
  }

  /// Call before a list of all PVs is requested.
  package func beginListing() { ledger.beginListing() }

  /// Call when a list that began after ``beginListing()`` is complete and ``volume(_:_:)`` has removed the PVs that it
  /// lacks.
  package func endListing() {
    ledger.endListing()
    for node in ledger.reportingNodes { notify(FreeSpaceChange(node: node, isMore: true)) }
  }
}

// MARK: Reading

extension Allocator {
  /// The hostnames of nodes that report storage, sorted.
  package var reportingNodes: [String] { ledger.reportingNodes }

  /// The hostnames of nodes that PVs have space on.
  package var nodesWithVolumes: Set<String> { ledger.nodesWithVolumes }

  /// The number of PVs that have space.
  package var bookings: Int { ledger.count }

  /// The PVs that have space on a node, sorted.
  package func volumes(on node: String) -> [String] { ledger.volumes(on: node) }

  /// The free space of a node in each of the device classes.
  package func freeSpaces(on node: String, at places: Set<DeviceClass>) -> [DeviceClass: ByteCount] {
    Dictionary(uniqueKeysWithValues: places.map { ($0, ledger.freeSpace(on: node, at: $0)) })
  }

  /// The free space in each of the device classes, by hostname.
  package func freeSpaces(at places: Set<DeviceClass>) -> [DeviceClass: [String: ByteCount]] {
    let nodes = ledger.reportingNodes
    let freeSpaces = places.map { place in
      (place, Dictionary(uniqueKeysWithValues: nodes.map { ($0, ledger.freeSpace(on: $0, at: place)) }))
    }
    return Dictionary(uniqueKeysWithValues: freeSpaces)
  }

  /// Those of the PVs that have space.
  package func bookings(among volumes: [String]) -> Set<String> {
    Set(volumes.filter { ledger.booking(of: $0) != nil })
  }

  /// The booking of a PV; nil for one without a node and for one that is not ours.
  package func booking(of volume: PersistentVolume) -> Booking? { ShownVolume(volume).flatMap(booking(of:)) }

  /// Checks whether a volume would fit with exactly this booking, whatever its present booking. Reserves nothing.
  ///
  /// - Throws: ``Shortage`` when it does not fit.
  package func check(_ booking: Booking, for volume: String) throws(Shortage) { try ledger.check(booking, for: volume) }

  /// Checks whether a volume could grow to the requested size of this booking. See ``Ledger/checkGrowth(_:for:)``.
  /// Reserves nothing.
  ///
  /// - Throws: ``Shortage`` when there is not enough space.
  package func checkGrowth(_ booking: Booking, for volume: String) throws(Shortage) -> Bool {
    try ledger.checkGrowth(booking, for: volume)
  }

  /// Why volumes cannot grow to these sizes, by the PV's name. Volumes that can grow, and those without a node, are
  /// left out.
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

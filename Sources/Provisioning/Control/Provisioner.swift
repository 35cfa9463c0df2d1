package import Controllers
internal import KeptVolumes
package import KubernetesAPI
internal import StorageModel
package import StorageLedger

/// Gives claims their volumes. It keeps the rules of claims; an ``Allocator`` reserves the space and creates the PVs.
///
/// It is fed with what lists and watches show (``claim(_:_:)``, ``volume(_:_:)``, …), and does what follows from it,
/// several objects at a time and each by itself. All that it knows can be read again from the API server, so a new leader
/// begins with an empty one.
package actor Provisioner: Controller {
  let writes: any ClusterWrites
  let allocator: Allocator
  let kept: KeptAccess
  let configuration: Configuration
  let time: any Timekeeper
  private let log: @Sendable (LogLine) -> Void

  var claims: [ObjectKey: PersistentVolumeClaim] = [:]
  /// PVs that the API server has, of claims that are not bound to them yet.
  var written: Set<String> = []
  /// PVs that something is to be done about; of the others only the allocator knows.
  var volumes: [String: PersistentVolume] = [:]
  var classes: [String: StorageClass] = [:]
  var nodes = NodeIndex()
  var namespaces: [String: KnownNamespace] = [:]
  /// Volumes that outlive their claims, bound ones too.
  var keptVolumes = KeptVolumeIndex()
  /// Claims under whose names volumes are kept that they may not have.
  var keptConflicts: Set<ObjectKey> = []
  /// Nodes that report their storage, by name.
  var reportingNodes: Set<String> = []
  /// All claims of the cluster, as far as it counts whether there is one.
  var claimIndex = ClaimIndex()
  /// What nodes say about volumes whose PVs do not say it yet, by volume and node.
  var reports: [String: [String: VolumeReport]] = [:]
  /// PVs of ours that record no instance yet.
  var unrecorded: [String: KnownVolume.Unrecorded] = [:]
  /// What the scheduler was told, by hostname.
  var writtenCapacities: [String: WrittenCapacities] = [:]
  /// Claims that wait for a pod, or for space.
  var waits: [ObjectKey: Wait] = [:]
  /// PVs whose claims do not stay when their node leaves the cluster.
  var nodeLosses = NodeLosses()
  var sentRefusals = SentRefusals<ObjectKey>()
  /// How many claims no node had space for when that was logged last, and when that was.
  var summary: (claims: Int, at: Duration?) = (0, nil)
  /// When claims that wait for space were looked at last.
  var waitingClaimsCheckedAt: Duration?
  var counters = ProvisionerCounters()

  /// What is to be looked at.
  package nonisolated let keys: ReconcileLoop<Work>

  package struct Configuration: Sendable {
    /// How many objects are worked on at a time.
    package var parallelism: Int
    /// How long a node's object must be gone before its volumes are given up.
    package var nodeGrace: Duration
    package var backoff: Backoff
    /// How many PVs may be set aside at a time because their nodes have left the cluster; none with 0.
    package var nodeLossLimit = 10
    /// How often claims that wait for space are looked at without being asked.
    package var waitingClaimsInterval = Duration.seconds(60)
    /// The shortest time until space that has become less is written again. The scheduler may then choose a node that has
    /// just been filled, and its claim is sent on.
    package var capacityPause = Duration.seconds(5)
    /// How often what is written is read again.
    package var capacityInterval = Duration.seconds(600)
    /// How long after a change they are looked at: many changes at once cost one look.
    package var waitingClaimsPause = Duration.seconds(1)
    /// How many claims are told at once that there is no space; the others come after the pause. The queue of Events is bounded,
    /// and others have Events too.
    package var eventsPerCheck = 100

    package init(
      parallelism: Int = 16, nodeGrace: Duration = .seconds(3600),
      backoff: Backoff = .init()
    ) {
      self.parallelism = parallelism
      self.nodeGrace = nodeGrace
      self.backoff = backoff
    }
  }

  /// What is worked on, one at a time of each.
  package enum Work: Hashable, Sendable {
    case claim(ObjectKey)
    case volume(String)
    /// What nodes say about a PV.
    case report(String)
    /// A node that may be gone, by hostname.
    case node(String)
    /// All PVs whose claims do not stay when their node leaves the cluster.
    case nodeLosses
    /// What the scheduler is told of a node, by hostname.
    case capacity(String)
    /// What the scheduler was told of nodes and classes that are gone.
    case capacities
    /// All claims that wait for space.
    case waitingClaims
  }

  /// - Parameter allocator: of the same cluster. Somebody runs it beside this.
  package init(
    writes: any ClusterWrites, allocator: Allocator, kept: KeptAccess, configuration: Configuration,
    time: any Timekeeper = SystemTimekeeper(),
    log: @escaping @Sendable (LogLine) -> Void
  ) {
    self.writes = writes
    self.allocator = allocator
    self.kept = kept
    self.configuration = configuration
    self.time = time
    self.log = log
    keys = ReconcileLoop(parallelism: configuration.parallelism, backoff: configuration.backoff, time: time)
    allocator.onChange { [keys, pause = configuration.waitingClaimsPause] change in
      keys.add(.capacity(change.node))
      if change.isMore { keys.add(.waitingClaims, after: pause) }
    }
  }

  /// Everything has been listed once: from now on what is not known does not exist.
  package func becomeSynced() async {
    enqueueWaitingClaims()
    enqueueNodeLosses()
    for hostname in await allocator.nodesWithVolumes where !nodes.has(hostname) { enqueue(.node(hostname)) }
    enqueue(.capacities)
    keys.open()
  }

  package func reconcile(_ work: Work) async -> Ending {
    switch work {
    case .claim(let key):
      let began = time.now
      defer { counters.claimSeconds.record(time.now - began) }
      return await process(claim: key)
    case .volume(let name): return await process(volume: name)
    case .report(let name): return await process(report: name)
    case .node(let hostname): return await process(node: hostname)
    case .nodeLosses: return await processNodeLosses()
    case .capacity(let hostname): return await process(capacityOf: hostname)
    case .capacities: return await processCapacities()
    case .waitingClaims: return await checkWaitingClaims()
    }
  }

  // MARK: For the parts

  var now: Duration { time.now }

  func enqueue(_ work: Work) { keys.add(work) }

  func drop(_ work: Work) { keys.remove(work) }

  func logLine(_ message: String, _ values: [String: String], isWarning: Bool = false) {
    log(LogLine(message, values, isWarning: isWarning))
  }

  func count(_ counter: WritableKeyPath<ProvisionerCounters, Int>) { counters[keyPath: counter] += 1 }

  /// A claim has begun to wait.
  func enqueueWaitingClaims() {
    if !waits.isEmpty { keys.add(.waitingClaims, after: configuration.waitingClaimsPause) }
  }

  /// For metrics and status.
  package var snapshot: Snapshot {
    get async {
      let (bookings, nodes) = await (allocator.bookings, allocator.reportingNodes.count)
      return Snapshot(
        counters: counters, waiting: keys.waiting, due: keys.due, running: keys.running,
        claimsWithoutSpace: claimsWithoutSpace, keptConflicts: keptConflicts.count, bookings: bookings,
        reportingNodes: nodes, claimsHeldBack: nodeLosses.heldBack,
        volumesSetAside: nodeLosses.volumesSetAside.count, isSynced: keys.isOpen)
    }
  }
}

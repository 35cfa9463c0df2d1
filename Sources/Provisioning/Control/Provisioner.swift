package import Controllers
internal import KeptVolumes
package import KubernetesAPI
internal import StorageModel
package import StorageLedger

/// Provisions claims: decides which volume a claim gets, and deletes PVs whose claims are gone. An ``Allocator``
/// reserves the space and creates the PVs.
///
/// Lists and watches pass objects to it (``claim(_:_:)``, ``volume(_:_:)``, …). It reconciles several objects at once,
/// each once at a time. It stores nothing outside the API server, so a new leader begins with an empty provisioner.
package actor Provisioner: Controller {
  let writes: any ClusterWrites
  let allocator: Allocator
  let kept: KeptAccess
  let configuration: Configuration
  let time: any Timekeeper
  private let log: @Sendable (LogLine) -> Void

  var claims: [ObjectKey: PersistentVolumeClaim] = [:]
  /// Names of PVs that exist and are not bound to their claims yet.
  var written: Set<String> = []
  /// PVs that need work. Of the others, only the allocator knows.
  var volumes: [String: PersistentVolume] = [:]
  var classes: [String: StorageClass] = [:]
  var nodes = NodeIndex()
  var namespaces: [String: KnownNamespace] = [:]
  /// Volumes that outlive their claims, bound ones too.
  var keptVolumes = KeptVolumeIndex()
  /// Claims that are refused because a volume is kept under their name that they may not have.
  var keptConflicts: Set<ObjectKey> = []
  /// Nodes that report their storage, by name.
  var reportingNodes: Set<String> = []
  /// All claims of the cluster: whether they exist, and which PVs they name.
  var claimIndex = ClaimIndex()
  /// The nodes' reports about volumes, by the names of volume and node.
  var reports: [String: [String: VolumeReport]] = [:]
  /// PVs of ours that record no instance yet.
  var unrecorded: [String: KnownVolume.Unrecorded] = [:]
  /// The free space that is written for the scheduler, by hostname.
  var writtenCapacities: [String: WrittenCapacities] = [:]
  /// Claims that wait for a pod or for free space.
  var waits: [ObjectKey: Wait] = [:]
  /// PVs whose claims are deleted when their node leaves the cluster.
  var nodeLosses = NodeLosses()
  var sentRefusals = SentRefusals<ObjectKey>()
  /// The number of claims without space that was last logged, and when.
  var summary: (claims: Int, at: Duration?) = (0, nil)
  /// When the waiting claims were last looked at.
  var waitingClaimsCheckedAt: Duration?
  var counters = ProvisionerCounters()

  /// The objects to be reconciled.
  package nonisolated let keys: ReconcileLoop<Work>

  /// The limits and intervals of a provisioner.
  package struct Configuration: Sendable {
    /// The number of objects that are reconciled at once.
    package var parallelism: Int
    /// How long a node must have been missing before its volumes are given up.
    package var nodeGrace: Duration
    /// The pauses after failures.
    package var backoff: Backoff
    /// The number of PVs that may be set aside at a time because their nodes have left the cluster. With 0, none is.
    package var nodeLossLimit = 10
    /// The interval between two looks at the waiting claims without a change.
    package var waitingClaimsInterval = Duration.seconds(60)
    /// The shortest time between two writes of shrinking free space. Meanwhile the scheduler may choose a node that has
    /// just been filled; the claim is then rescheduled.
    package var capacityPause = Duration.seconds(5)
    /// The interval between two reads of all CSIStorageCapacity objects.
    package var capacityInterval = Duration.seconds(600)
    /// The delay between a change and a look at the waiting claims, so that many changes at once cost one look.
    package var waitingClaimsPause = Duration.seconds(1)
    /// The number of Events about missing space in one look. The others follow after ``waitingClaimsPause``, because
    /// the queue of Events is bounded and shared.
    package var eventsPerCheck = 100

    /// Takes each field as it is.
    package init(
      parallelism: Int = 16, nodeGrace: Duration = .seconds(3600),
      backoff: Backoff = .init()
    ) {
      self.parallelism = parallelism
      self.nodeGrace = nodeGrace
      self.backoff = backoff
    }
  }

  /// A unit of work. Units with the same key never run concurrently.
  package enum Work: Hashable, Sendable {
    /// A claim that may need a volume or its growth.
    case claim(ObjectKey)
    /// A PV that is being deleted or whose claim is gone, by name.
    case volume(String)
    /// The nodes' reports about a PV, by the PV's name.
    case report(String)
    /// A node that may be gone, by hostname.
    case node(String)
    /// All PVs whose claims are deleted when their node leaves the cluster.
    case nodeLosses
    /// The free space of a node, by hostname, that is written for the scheduler.
    case capacity(String)
    /// All CSIStorageCapacity objects, also those of nodes and classes that are gone.
    case capacities
    /// All claims that wait for free space.
    case waitingClaims
  }

  /// - Parameters:
  ///   - allocator: the only allocator of the cluster. The caller runs it.
  ///   - log: called for each log line, on any thread. It must not block.
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

  /// Called when all caches are synced. From now on, an unknown object does not exist.
  package func becomeSynced() async {
    enqueueWaitingClaims()
    enqueueNodeLosses()
    for hostname in await allocator.nodesWithVolumes where !nodes.has(hostname) { enqueue(.node(hostname)) }
    enqueue(.capacities)
    keys.open()
  }

  /// Carries out a unit of work. Waits for the API server. Failures are logged, counted and retried.
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

  /// Schedules a look at the waiting claims, if there are any.
  func enqueueWaitingClaims() {
    if !waits.isEmpty { keys.add(.waitingClaims, after: configuration.waitingClaimsPause) }
  }

  /// The present numbers, for metrics.
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

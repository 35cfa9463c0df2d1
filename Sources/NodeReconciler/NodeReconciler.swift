package import Controllers
package import KubernetesAPI
internal import LinuxSystem
internal import LogicalVolumes
package import NodeService
internal import StorageLedger
internal import StorageModel
package import Telemetry

/// Reconciles this node's volumes with their PVs: creates volumes before kubelet asks, removes those of deleted PVs,
/// and reports capacity.
///
/// No pod waits for anything here. While the API server does not answer, nothing happens; afterwards the work continues
/// without help.
package actor NodeReconciler: Controller {
  let service: VolumeService
  let writes: any NodeWrites
  let knowledge: Knowledge
  let configuration: Configuration
  let log: Log
  /// The volumes to reconcile.
  package nonisolated let keys: ReconcileLoop<Work>
  /// Reports and checks, apart from the volumes, so that a preparation that hangs delays none of them.
  private let chores: ReconcileLoop<Work>
  private let time: any Timekeeper

  var volumes: [String: PersistentVolume] = [:]
  var lastReport: LastReport?
  var refreshedAt: Duration?
  /// The time since which each removal has been failing.
  var stuckSince: [String: Duration] = [:]
  /// The kernel's complaints about volumes, as last reported.
  var complaints: [VolumeName: FileSystemComplaint] = [:]
  /// Long runs that were reported, by volume, with their start times.
  var reportedLongRuns: [VolumeName: String] = [:]

  package struct Configuration: Sendable {
    package var node: String
    /// The node's `kubernetes.io/hostname` label.
    package var hostname: String
    package var isThinByDefault: Bool
    /// How often storage is reported and orphans are searched.
    package var reportInterval = Duration.seconds(60)
    /// How often the report is repeated although nothing has changed, in case somebody has deleted it.
    package var refreshInterval = Duration.seconds(600)
    package var orphanInterval = Duration.seconds(300)
    package var conditionInterval = Duration.seconds(60)
    /// A volume that takes longer than this no longer keeps other volumes waiting.
    package var patience = Duration.seconds(20)
    package var backoff = Backoff(first: .seconds(1), most: .seconds(60))

    package init(node: String, hostname: String, isThinByDefault: Bool) {
      self.node = node
      self.hostname = hostname
      self.isThinByDefault = isThinByDefault
    }
  }

  package enum Work: Hashable, Sendable {
    case volume(String)
    case report
    case orphans
    case conditions
  }

  /// The last report to the API server.
  struct LastReport {
    var storage: NodeStorage
    var reports: [VolumeReport]
  }

  package init(
    service: VolumeService, writes: any NodeWrites, knowledge: Knowledge, configuration: Configuration, log: Log,
    time: any Timekeeper = SystemTimekeeper()
  ) {
    self.service = service
    self.writes = writes
    self.knowledge = knowledge
    self.configuration = configuration
    self.log = log
    self.time = time
    keys = ReconcileLoop(parallelism: 4, patience: configuration.patience, backoff: configuration.backoff, time: time)
    chores = ReconcileLoop(parallelism: 3, backoff: configuration.backoff, time: time)
    knowledge.connect(writes, hostname: configuration.hostname) { [chores] in chores.add(.report) }
  }

  /// Works until the task is cancelled. Returns when the last piece of work has ended.
  package func run() async {
    chores.add(.report)
    chores.add(.orphans)
    chores.add(.conditions)
    await withDiscardingTaskGroup { group in
      for loop in [keys, chores] { group.addTask { await loop.run { work in await self.reconcile(work) } } }
    }
  }

  package func reconcile(_ work: Work) async -> Ending {
    switch work {
    case .volume(let name): await process(volume: name)
    case .report: await report()
    case .orphans: await findOrphans()
    case .conditions: await checkConditions()
    }
  }

  var now: Duration { time.now }

  func enqueue(_ work: Work) {
    if case .volume = work { keys.add(work) } else { chores.add(work) }
  }
}

// What lists and watches show. Nil is an object that is gone or names another node.
extension NodeReconciler {
  package func volume(_ name: String, _ new: PersistentVolume?) {
    logContradiction(name, new)
    volumes[name] = new
    knowledge.set(new, of: name)
    if new == nil { stuckSince[name] = nil }
    enqueue(.volume(name))
    enqueue(.report)
  }

  /// Call when the list of PVs is complete. Work begins then.
  package func becomeSynced() {
    knowledge.dropStaleReports()
    keys.open()
    chores.open()
  }

  /// For metrics: the number of removals that have been failing for ten minutes.
  package var stuckRemovals: Int { stuckSince.values.count { now - $0 > .seconds(600) } }
  package var lostVolumes: Int { knowledge.lost.count }
  package var abnormalVolumes: Int { complaints.count }
  package var knownVolumes: Int { volumes.count }
}

package import KubernetesAPI
internal import LinuxSystem
internal import LogicalVolumes
package import NodeService
internal import StorageLedger
internal import StorageModel
package import Telemetry

/// Keeps this node's volumes as their PVs want them: made ahead of kubelet, removed when their PV goes, and what room is left
/// published.
///
/// Nothing that a pod waits for is here. While the API server is away nothing happens, and afterwards it goes on by itself.
package actor NodeReconciler {
  let keeper: VolumeKeeper
  let writes: any NodeWrites
  let knowledge: Knowledge
  let settings: Settings
  let log: Log
  private let loop: ReconcileLoop<Work>
  /// What is published and looked at, beside the volumes: preparations that hang hold none of it up.
  private let chores: ReconcileLoop<Work>
  private let time: any Timekeeper

  var volumes: [String: PersistentVolume] = [:]
  var classes: [String: StorageClass] = [:]
  var published: Published?
  var publishedAt: Duration?
  var refreshedAt: Duration?
  /// Since when the removal of a volume has not succeeded.
  var stuckSince: [String: Duration] = [:]
  /// What has been noted on PVs that no list or watch has shown with it yet.
  private var noted: [String: Noted] = [:]
  /// Volumes that a PV says were made here, and that are not here.
  var lost: Set<String> = []
  /// What the kernel holds against volumes, as it was told last.
  var complaints: [VolumeName: FileSystemComplaint] = [:]
  /// Programs that work on volumes and have been told of, by volume, with when they began.
  var toldWork: [VolumeName: String] = [:]
  private var missingParts: Int

  package struct Settings: Sendable {
    package var node: String
    /// The node's `kubernetes.io/hostname` label.
    package var hostname: String
    package var isThinByDefault: Bool
    /// How often storage is published and orphans are looked for without being asked.
    package var publishInterval = Duration.seconds(60)
    /// The shortest time until room that has become less is published again: with many claims at once each of them would
    /// otherwise cost a request. The scheduler may then choose a node that has just been filled, and the provisioner sends
    /// the claim on.
    package var publishPause = Duration.seconds(5)
    /// How often it is published although nothing has changed here: somebody may have removed it there.
    package var refreshInterval = Duration.seconds(600)
    package var orphanInterval = Duration.seconds(300)
    package var conditionInterval = Duration.seconds(60)
    /// A volume that has been worked on for so long does not keep others from being worked on.
    package var patience = Duration.seconds(20)
    package var backoff = WorkQueue<Work>.Backoff(first: .seconds(1), most: .seconds(60))

    package init(node: String, hostname: String, isThinByDefault: Bool) {
      self.node = node
      self.hostname = hostname
      self.isThinByDefault = isThinByDefault
    }
  }

  package enum Work: Hashable, Sendable {
    case volume(String)
    case publish
    case orphans
    case conditions
  }

  private struct Noted {
    var uid: String
    var instance: String
  }

  /// What the API server was told last.
  struct Published {
    var storage: NodeStorage
    var rooms: [String: ByteCount]
    /// The classes beside which nothing is published.
    var withdrawn: Set<String>?
  }

  package init(
    keeper: VolumeKeeper, writes: any NodeWrites, knowledge: Knowledge, settings: Settings, log: Log,
    time: any Timekeeper = SystemTimekeeper()
  ) {
    self.keeper = keeper
    self.writes = writes
    self.knowledge = knowledge
    self.settings = settings
    self.log = log
    self.time = time
    // Volumes and classes.
    missingParts = 2
    loop = ReconcileLoop(parallelism: 4, patience: settings.patience, backoff: settings.backoff, time: time)
    chores = ReconcileLoop(parallelism: 3, backoff: settings.backoff, time: time)
    knowledge.connect(writes, hostname: settings.hostname)
  }

  /// Works until the task is cancelled, and returns when the last piece of work has ended.
  package func run() async {
    chores.add(.publish)
    chores.add(.orphans)
    chores.add(.conditions)
    await withDiscardingTaskGroup { group in
      for loop in [loop, chores] { group.addTask { await loop.run { work in await self.perform(work) } } }
    }
  }

  private func perform(_ work: Work) async -> WorkQueue<Work>.Ending {
    switch work {
    case .volume(let name): await process(volume: name)
    case .publish: await publish()
    case .orphans: await lookForOrphans()
    case .conditions: await lookAtConditions()
    }
  }

  var now: Duration { time.now }

  func look(at work: Work) {
    if case .volume = work { loop.add(work) } else { chores.add(work) }
  }
}

// What lists and watches show. Nil is an object that is gone, or names another node.
extension NodeReconciler {
  package func volume(_ name: String, _ new: PersistentVolume?) {
    let new = new.map(withNoted)
    volumes[name] = new
    knowledge.setInstance(new?.instance, of: name)
    if new == nil {
      noted[name] = nil
      stuckSince[name] = nil
      lost.remove(name)
    }
    look(at: .volume(name))
    look(at: .publish)
  }

  /// The PV says from now on which instance was made for it: also where it is shown as it was before, as a watch does for a
  /// moment when Kubernetes writes to the same PV. It would be noted twice otherwise.
  func hasNoted(_ instance: String, on pv: PersistentVolume) {
    let name = pv.metadata.name
    knowledge.setInstance(instance, of: name)
    guard let seen = volumes[name], seen.instance == nil else { return }
    noted[name] = Noted(uid: pv.metadata.uid, instance: instance)
    volumes[name] = withNoted(seen)
  }

  private func withNoted(_ seen: PersistentVolume) -> PersistentVolume {
    let name = seen.metadata.name
    guard seen.instance == nil, let known = noted[name], known.uid == seen.metadata.uid else {
      noted[name] = nil
      return seen
    }
    var completed = seen
    completed.metadata.annotations[ClusterNames.instanceAnnotation] = known.instance
    return completed
  }

  package func storageClass(_ name: String, _ new: StorageClass?) {
    let isOurs = new.map { ClusterNames.provisioners.contains($0.provisioner) } ?? false
    guard isOurs || classes[name] != nil else { return }
    classes[name] = isOurs ? new : nil
    look(at: .publish)
  }

  /// One of the lists is complete. The work begins when all are.
  package func partIsSynced() {
    missingParts -= 1
    guard missingParts == 0 else { return }
    loop.open()
    chores.open()
  }

  /// For metrics: removals that have not succeeded for ten minutes.
  package var stuckRemovals: Int { stuckSince.values.count { now - $0 > .seconds(600) } }
  package var lostVolumes: Int { lost.count }
  package var abnormalVolumes: Int { complaints.count }
  package var knownVolumes: Int { volumes.count }
}

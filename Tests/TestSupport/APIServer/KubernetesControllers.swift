package import JSON
package import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// What Kubernetes does with claims, PVs and Jobs, in short: the protection of claims in use, the scheduler for one node, the PV
/// controller, a provisioner of another product, the Job controller, and what the daemon of the node reports. Each has a turn with
/// ``act(jobs:)``.
package struct KubernetesControllers: Sendable {
  private static let protection = "kubernetes.io/pvc-protection"

  private let server: SimulatedAPIServer
  /// The node that the scheduler chooses.
  private let node: String

  /// What becomes of a Job that can run.
  package enum JobEnd: Hashable, Sendable {
    case runs
    case completes
    case fails(String)
  }

  package init(_ server: SimulatedAPIServer, node: String) {
    self.server = server
    self.node = node
  }

  /// - Parameters:
  ///   - used: claims that pods use: they do not go.
  ///   - jobs: what becomes of a Job, by its name.
  package func act(used: Set<ObjectKey> = [], jobs: (ObjectKey) -> JobEnd = { _ in .completes }) {
    let classes = server.objects(StorageClass.self)
    let running = server.objects(Job.self).filter { !$0.isFinished }
    for claim in server.objects(PersistentVolumeClaim.self) where !used.contains(claim.metadata.key) {
      protect(claim)
      schedule(claim, classes, hasPod: running.contains { $0.metadata.key == claim.metadata.key })
    }
    for volume in server.objects(PersistentVolume.self) { serve(volume) }
    // PVs first: the claim that a PV names was there before, so one that is not found now has gone.
    let known = server.objects(PersistentVolume.self)
    let claims = server.objects(PersistentVolumeClaim.self)
    for volume in known { sync(volume, claims) }
    let (bound, volumes) = (server.objects(PersistentVolumeClaim.self), server.objects(PersistentVolume.self))
    for claim in bound where !claim.volumeName.isEmpty {
      sync(claim, volumes.first { $0.metadata.name == claim.volumeName })
    }
    for job in running where bound.contains(where: { $0.metadata.key == job.metadata.key && $0.phase == "Bound" }) {
      run(job, jobs(job.metadata.key))
    }
  }

  // MARK: Claims

  /// A claim goes when nothing uses it. Its finalizer is put on when it is created (StorageObjectInUseProtection).
  private func protect(_ claim: PersistentVolumeClaim) {
    let isGoing = claim.metadata.isBeingDeleted
    guard isGoing || !claim.metadata.finalizers.contains(Self.protection) else { return }
    server.edit(PersistentVolumeClaim.resource, claim.metadata.key) { object in
      let others = (object["metadata", "finalizers"]?.elements ?? []).filter { $0.string != Self.protection }
      object[["metadata", "finalizers"]] = .array(isGoing ? others : others + [.string(Self.protection)])
    }
  }

  /// A claim that a Job's pod waits for gets a node; one that has a node, or needs none, gets a provisioner.
  private func schedule(_ claim: PersistentVolumeClaim, _ classes: [StorageClass], hasPod: Bool) {
    guard claim.volumeName.isEmpty, !claim.metadata.isBeingDeleted,
      let storageClass = classes.first(where: { $0.metadata.name == claim.className })
    else { return }
    if !storageClass.isImmediate, claim.selectedNode == nil {
      if hasPod { annotate(claim, PersistentVolumeClaim.selectedNodeAnnotation, node) }
      return
    }
    guard claim.provisioner == nil else { return }
    annotate(claim, PersistentVolumeClaim.provisionerAnnotations[0], storageClass.provisioner)
    if !ClusterNames.provisioners.contains(storageClass.provisioner) { provision(claim, storageClass) }
  }

  /// What a provisioner of another product makes.
  private func provision(_ claim: PersistentVolumeClaim, _ storageClass: StorageClass) {
    var volume = PersistentVolume(metadata: ObjectMeta(name: claim.volumeToMake))
    volume.capacity = claim.request
    volume.accessModes = ["ReadWriteOnce"]
    volume.claim = claim.reference
    volume.reclaimPolicy = storageClass.reclaimPolicy
    volume.storageClassName = storageClass.metadata.name
    server.add(volume)
  }

  // MARK: PVs

  /// The PV's own provisioner and daemon.
  private func serve(_ volume: PersistentVolume) {
    let key = volume.metadata.key
    guard volume.isOurs else {
      let isUnused = volume.phase == "Released" && volume.reclaimPolicy == "Delete"
      if isUnused { server.remove(PersistentVolume.resource, key) }
      return
    }
    if volume.removableInstance != nil {
      return server.edit(PersistentVolume.resource, key) { $0[["metadata", "finalizers"]] = [] }
    }
    if volume.instance == nil, volume.labelledNode != nil, !volume.metadata.isBeingDeleted {
      server.edit(PersistentVolume.resource, key) {
        $0[["metadata", "annotations", ClusterNames.instanceAnnotation]] = .string("of-\(volume.metadata.uid)")
      }
    }
  }

  /// The PV controller's look at a PV (`syncVolume`).
  private func sync(_ volume: PersistentVolume, _ claims: [PersistentVolumeClaim]) {
    let key = volume.metadata.key
    guard !volume.metadata.isBeingDeleted else { return }
    guard let meant = volume.claim, !meant.uid.isEmpty else { return setPhase("Available", of: volume) }
    let claim = claims.first { $0.metadata.uid == meant.uid }
    guard let claim else {
      return setPhase("Released", of: volume)
    }
    if claim.volumeName.isEmpty {
      server.edit(PersistentVolumeClaim.resource, claim.metadata.key) {
        if $0["metadata", "uid"]?.string == meant.uid { $0[["spec", "volumeName"]] = .string(key.name) }
      }
    } else if claim.volumeName != key.name {
      return setPhase("Released", of: volume)
    }
    setPhase("Bound", of: volume)
  }

  /// The PV controller's look at a claim (`syncUnboundClaim`, `syncBoundClaim`).
  private func sync(_ claim: PersistentVolumeClaim, _ volume: PersistentVolume?) {
    let key = claim.metadata.key
    guard let volume, volume.claim?.uid == claim.metadata.uid else {
      if let volume, volume.claim?.uid.isEmpty != false {
        // Anybody may have a PV that names nobody.
        return server.edit(PersistentVolume.resource, volume.metadata.key) { object in
          object[["spec", "claimRef"]] = claim.reference.json
        }
      }
      if claim.phase == "Bound" {
        server.edit(PersistentVolumeClaim.resource, key) { $0[["status", "phase"]] = "Lost" }
      }
      return
    }
    let modes = JSONValue.array(volume.accessModes.map { .string($0) })
    server.edit(PersistentVolumeClaim.resource, key) { object in
      object[["status"]] = [
        "phase": "Bound", "accessModes": modes, "capacity": ["storage": .string(volume.capacity?.description ?? "0")],
      ]
    }
  }

  private func setPhase(_ phase: String, of volume: PersistentVolume) {
    guard volume.phase != phase else { return }
    server.edit(PersistentVolume.resource, volume.metadata.key) { object in
      // It was looked at before: who has changed it since decides.
      guard object["metadata", "resourceVersion"]?.string == volume.metadata.resourceVersion else { return }
      object[["status", "phase"]] = .string(phase)
    }
  }

  // MARK: Jobs

  private func run(_ job: Job, _ end: JobEnd) {
    let condition: (type: String, reason: String)
    switch end {
    case .runs: return
    case .completes: condition = ("Complete", "")
    case .fails(let reason): condition = ("Failed", reason)
    }
    let now = server.time.wallClock.rfc3339
    server.edit(Job.resource, job.metadata.key) { object in
      object[["status", "conditions"]] = [
        [
          "type": .string(condition.type), "status": "True", "reason": .string(condition.reason),
          "message": "by the test", "lastTransitionTime": .string(now),
        ]
      ]
    }
  }

  // MARK: Helpers

  private func annotate(_ claim: PersistentVolumeClaim, _ name: String, _ value: String) {
    server.edit(PersistentVolumeClaim.resource, claim.metadata.key) {
      $0[["metadata", "annotations", name]] = .string(value)
    }
  }
}

/// A Job, as far as it counts whether it has ended.
package struct Job: APIObject {
  package static let resource = APIResource(group: "batch", name: "jobs", kind: "Job", isNamespaced: true)

  package var metadata = ObjectMeta()
  package var conditions: [String] = []

  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    let value = try json.value()
    var reader = JSONReader(value["metadata"]?.encoded ?? Array("{}".utf8))
    metadata = try ObjectMeta(json: &reader)
    conditions = (value["status", "conditions"]?.elements ?? []).compactMap { $0["type"]?.string }
  }

  package var isFinished: Bool { conditions.contains("Complete") || conditions.contains("Failed") }
}

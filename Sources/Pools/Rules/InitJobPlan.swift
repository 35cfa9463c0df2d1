internal import JSON
internal import KubernetesAPI
internal import StorageModel

/// Makes the init job of a replica.
package enum InitJobPlan {
  /// The longest time that a job may take, in seconds.
  package static let deadlineLimit: Int64 = 300
  /// How often a job's pod is tried again, at most.
  package static let backoffLimit: Int64 = 10

  /// - Parameters:
  ///   - claim: the replica's claim. The job has its name.
  ///   - isPlaced: whether the replica's node is decided already; if not, the job's pod decides it.
  package static func job(for claim: PoolClaim, of pool: Pool, isPlaced: Bool) -> InitJob {
    let initJob = pool.spec.initJob
    let template = initJob?.template
    var job = InitJob()
    job.metadata = ObjectMeta(
      name: claim.key.name, namespace: claim.key.namespace, labels: template?.metadata.labels ?? [:],
      annotations: template?.metadata.annotations ?? [:],
      ownerReferences: [
        OwnerReference(
          apiVersion: PersistentVolumeClaim.resource.apiVersion, kind: PersistentVolumeClaim.resource.kind,
          name: claim.key.name, uid: claim.uid, isController: true)
      ])
    job.metadata.labels[PoolNames.jobLabel] = PoolNames.jobMark
    job.metadata.annotations[PoolNames.ownerAnnotation] = JobOwner.text(pool)
    job.spec = spec(
      template?.spec ?? idle, volume: initJob?.volumeName ?? Pool.InitJobSpec().volumeName, claim: claim.key.name,
      nodeSelector: isPlaced ? [:] : pool.spec.placement.nodeSelector)
    return job
  }

  /// The template with what is not left to it: limits, and the replica as a volume of the pod.
  static func spec(_ template: JSONValue, volume: String, claim: String, nodeSelector: StringMap) -> JSONValue {
    var spec = template.members == nil ? idle : template
    let deadline = spec["activeDeadlineSeconds"]?.number ?? deadlineLimit
    spec[["activeDeadlineSeconds"]] = .number(min(max(deadline, 1), deadlineLimit))
    if let limit = spec["backoffLimit"]?.number { spec[["backoffLimit"]] = .number(min(limit, backoffLimit)) }
    // A job that goes by itself would be made again; one that is suspended never ends.
    spec[["ttlSecondsAfterFinished"]] = nil
    spec[["suspend"]] = nil
    if spec["template", "spec", "restartPolicy"]?.string?.isEmpty != false {
      spec[["template", "spec", "restartPolicy"]] = "Never"
    }
    let others = (spec["template", "spec", "volumes"]?.elements ?? []).filter { $0["name"]?.string != volume }
    let replica: JSONValue = ["name": .string(volume), "persistentVolumeClaim": ["claimName": .string(claim)]]
    spec[["template", "spec", "volumes"]] = .array(others + [replica])
    for (key, value) in nodeSelector { spec[["template", "spec", "nodeSelector", key]] = .string(value) }
    return spec
  }

  /// A job whose pod only has the volume: it makes the scheduler choose a node, and proves that the volume can be mounted.
  private static var idle: JSONValue {
    [
      "backoffLimit": .number(backoffLimit),
      "template": ["spec": ["containers": [["name": "init", "image": "busybox:1.36", "command": ["true"]]]]],
    ]
  }
}

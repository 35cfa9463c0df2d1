import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel

// The requests after a node has left for good.
extension SimulatedCluster {
  func setAside(_ volume: PersistentVolume, at time: Timestamp) async throws(WriteFailure) {
    try change(volume) { found in
      found.metadata.annotations[ClusterNames.nodeLossAnnotation] = time.rfc3339
      found.metadata.annotations[ClusterNames.formerPolicyAnnotation] = found.reclaimPolicy
      found.metadata.labels[ClusterNames.nodeLossLabel] = "true"
      found.reclaimPolicy = "Retain"
    }
  }

  func putBack(_ volume: PersistentVolume) async throws(WriteFailure) {
    try change(volume) { found in
      found.reclaimPolicy = found.metadata.annotations[ClusterNames.formerPolicyAnnotation] ?? found.reclaimPolicy
      found.metadata.annotations[ClusterNames.nodeLossAnnotation] = nil
      found.metadata.annotations[ClusterNames.formerPolicyAnnotation] = nil
      found.metadata.labels[ClusterNames.nodeLossLabel] = nil
    }
  }

  private func change(
    _ volume: PersistentVolume, _ body: (inout PersistentVolume) -> Void
  ) throws(WriteFailure) {
    var isDone = false
    edit(volume: volume.metadata.name) { found in
      guard found.metadata.uid == volume.metadata.uid,
        found.metadata.resourceVersion == volume.metadata.resourceVersion
      else { return }
      isDone = true
      body(&found)
    }
    if !isDone { throw WriteFailure(.conflict, "changed") }
  }

  func volumesSetAside() async throws(WriteFailure) -> [String] {
    look { $0.volumes.filter { $0.value.metadata.annotations[ClusterNames.nodeLossAnnotation] != nil }.map(\.key) }
  }

  func nodes(hostname: String) async throws(WriteFailure) -> [String] {
    look { $0.nodes.filter { $0.value.metadata.labels[ClusterNames.hostnameLabel] == hostname }.map(\.key) }
  }

  func delete(_ claim: PersistentVolumeClaim) async throws(WriteFailure) {
    guard let found = look({ $0.claims[claim.metadata.key] }) else { return }
    guard found.metadata.uid == claim.metadata.uid else { throw WriteFailure(.conflict, "another claim") }
    removeClaim(claim.metadata.key)
  }

  func pods(in namespace: String) async throws(WriteFailure) -> [Pod] {
    look { $0.pods.values.filter { $0.metadata.namespace == namespace } }
  }

  func delete(_ pod: Pod) async throws(WriteFailure) { look { $0.pods[pod.metadata.key] = nil } }
}

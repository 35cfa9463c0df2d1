package import Controllers
internal import JSON
package import KubernetesAPI
package import LinuxSystem
internal import StorageLedger
internal import StorageModel

// MARK: - After a node has left for good

extension APIWrites {
  package func setAside(_ volume: PersistentVolume, at time: Timestamp) async throws(WriteFailure) {
    try await writer.change(
      volume,
      Self.change(
        time: .string(time.rfc3339), label: "true", former: .string(volume.reclaimPolicy), policy: "Retain"))
  }

  package func putBack(_ volume: PersistentVolume) async throws(WriteFailure) {
    let former = volume.metadata.annotations[ClusterNames.formerPolicyAnnotation] ?? ""
    // If an operator has changed the policy meanwhile, it stays.
    let policy = volume.reclaimPolicy == "Retain" && !former.isEmpty ? former : volume.reclaimPolicy
    try await writer.change(
      volume, Self.change(time: .null, label: .null, former: .null, policy: .string(policy)))
  }

  private static func change(time: JSONValue, label: JSONValue, former: JSONValue, policy: JSONValue) -> JSONValue {
    let annotations = [
      JSONValue.Member(ClusterNames.nodeLossAnnotation, time),
      JSONValue.Member(ClusterNames.formerPolicyAnnotation, former),
    ]
    let labels = [JSONValue.Member(ClusterNames.nodeLossLabel, label)]
    return [
      "metadata": ["annotations": .object(annotations), "labels": .object(labels)],
      "spec": ["persistentVolumeReclaimPolicy": policy],
    ]
  }

  package func volumesSetAside() async throws(WriteFailure) -> [String] {
    let found: [PersistentVolume] = try await writer.all(Selection(labels: ClusterNames.nodeLossLabel))
    return found.filter(\.isSetAside).map(\.metadata.name)
  }

  package func nodes(hostname: String) async throws(WriteFailure) -> [String] {
    let found: [Node] = try await writer.all(Selection(labels: "\(ClusterNames.hostnameLabel)=\(hostname)"))
    return found.map(\.metadata.name)
  }

  package func delete(_ claim: PersistentVolumeClaim) async throws(WriteFailure) { try await writer.remove(claim) }

  package func pods(in namespace: String) async throws(WriteFailure) -> [Pod] {
    try await writer.all(Selection(namespace: namespace))
  }

  package func delete(_ pod: Pod) async throws(WriteFailure) {
    do throws(WriteFailure) {
      try await writer.delete(pod)
    } catch {
      guard error.kind == .missing else { throw error }
    }
  }
}

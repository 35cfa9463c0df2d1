package import KubernetesAPI
internal import StorageModel

// What claims' owners read.

extension KeptConflict {
  /// What stands in the claim's way, and how somebody decides.
  package func message(for volume: KeptVolume, _ claim: ObjectKey, _ identity: KeptIdentity) -> String {
    let pv = "PV \(volume.name) (\(volume.size))"
    switch self {
    case .identity:
      return
        "\(pv) is kept under this claim's name for \(volume.identity?.description ?? "nobody who is recorded"), and the claim's "
        + "namespace is \(identity). " + Self.decision(claim)
    case .storageClass:
      return
        "\(pv) is kept for this claim and has storage class \(quoted(volume.storageClass)). Make the claim anew with that "
        + "class, or: " + Self.decision(claim)
    case .inUse:
      return
        "\(pv) is given to this claim, and claim \(volume.claim?.description ?? "") still has it. Delete that claim first"
    case .nodeGone:
      return
        "\(pv) is kept for this claim on node \(volume.hostname ?? ""), which has left the cluster. Bring the node back, or give "
        + "the data up by annotation \(ClusterNames.deleteDataAnnotation)=true on the PV; then a new volume is created"
    }
  }

  private static func decision(_ claim: ObjectKey) -> String {
    "No volume is created until somebody decides. To give the data to this claim, annotate the PV "
      + "\(ClusterNames.giveToAnnotation)=\(claim); to delete it, \(ClusterNames.deleteDataAnnotation)=true"
  }
}

extension KeptVolume {
  /// What the owner of a claim that has it again should know.
  package func returnMessage(to claim: PersistentVolumeClaim, _ others: [KeptVolume]) -> String {
    let former = self.claim.flatMap { $0 == claim.metadata.key ? nil : " of claim \($0)" } ?? ""
    var sentences = ["the claim has the kept volume \(name)\(former) again, with its data"]
    if let hostname { sentences.append("it is on node \(hostname), and its pods run there") }
    if let request = claim.request?.byteCount, request != size {
      sentences.append(
        request < size
          ? "it stays at \(size), although the claim asks for \(request)" : "it has \(size), and is grown to \(request)"
      )
    }
    if !others.isEmpty {
      let names = others.map(\.name).joined(separator: ", ")
      sentences.append("also kept for this claim, and left as they are: \(names)")
    }
    return sentences.joined(separator: ". ")
  }
}

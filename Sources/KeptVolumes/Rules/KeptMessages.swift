package import KubernetesAPI
internal import StorageModel

// The texts of Events on claims.

extension KeptConflict {
  /// The message of the Event on the claim: which PV is kept, why the claim does not get it, and what to do.
  package func message(for volume: KeptVolume, _ claim: ObjectKey, _ identity: KeptIdentity) -> String {
    let pv = "PV \(volume.name) (\(volume.size))"
    switch self {
    case .identity:
      return
        "\(pv) is kept under this claim's name for \(volume.identity?.description ?? "an identity that it does not record"), "
        + "but the claim's namespace has identity \(identity). " + Self.decision(claim)
    case .storageClass:
      return
        "\(pv) is kept for this claim, but has storage class \(quoted(volume.storageClass)). Create the claim again with "
        + "that class, or decide about the PV. " + Self.decision(claim)
    case .inUse:
      return
        "\(pv) is given to this claim, but claim \(volume.claim?.description ?? "") still has it. Delete that claim first"
    case .nodeGone:
      return
        "\(pv) is kept for this claim on node \(volume.hostname ?? ""), which has left the cluster. Bring the node back, or "
        + "give up the data: annotate the PV \(ClusterNames.deleteDataAnnotation)=true; then a new volume is created"
    }
  }

  private static func decision(_ claim: ObjectKey) -> String {
    "No volume is created until an operator decides. To give the data to this claim, annotate the PV "
      + "\(ClusterNames.giveToAnnotation)=\(claim); to delete it, \(ClusterNames.deleteDataAnnotation)=true"
  }
}

extension KeptVolume {
  /// The message of the Event on a claim that has got this volume back: the PV, its node, its size, and the other
  /// volumes that are kept for the claim.
  ///
  /// - Parameter others: the other volumes that are kept for the claim.
  package func returnMessage(to claim: PersistentVolumeClaim, _ others: [KeptVolume]) -> String {
    let former = self.claim.flatMap { $0 == claim.metadata.key ? nil : " of claim \($0)" } ?? ""
    var sentences = ["the claim has got back the kept volume \(name)\(former) with its data"]
    if let hostname { sentences.append("The volume is on node \(hostname), so its pods run there") }
    if let request = claim.request?.byteCount, request != size {
      sentences.append(
        request < size
          ? "The volume keeps its size of \(size), although the claim requests \(request)"
          : "The volume has \(size) and is grown to \(request)"
      )
    }
    if !others.isEmpty {
      let names = others.map(\.name).joined(separator: ", ")
      sentences.append("Other volumes are also kept for this claim and stay kept: \(names)")
    }
    return sentences.joined(separator: ". ")
  }
}

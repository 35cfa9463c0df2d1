internal import Controllers
internal import KubernetesAPI
internal import StorageModel

// Claims whose data is to be deleted with them.
//
// The word is on the claim or on its namespace, and goes with them. So such a claim is held until no pod uses it any more; then
// it is known whether the word still counts, and it is recorded on the PV. Nobody who takes the word back in time loses data, and
// no word is lost because nobody looked.
extension KeptVolumeKeeper {
  func process(claim key: ObjectKey) async throws(WriteFailure) -> Ending {
    guard let claim = try await writes.keptClaim(key) else { return .done }
    let isWanted = try await isDeletionWanted(claim)
    if !claim.metadata.isBeingDeleted {
      if isWanted, !claim.isHeld, try await keptVolume(of: claim) != nil {
        try await writes.hold(claim)
        logLine("data is to be deleted with the claim", ["claim": key.description, "volume": claim.volumeName])
        writes.sendEvent(
          claim.reference, .keptDataDeletion,
          "the data is deleted for good as soon as the claim is gone; remove the annotation "
            + "\(ClusterNames.deleteDataAnnotation) before that to keep it")
      } else if !isWanted, claim.isHeld {
        try await writes.release(claim)
      }
      return .done
    }
    // A pod uses it still: the word can be taken back until then.
    guard claim.isHeldByUsAlone else { return .done }
    if isWanted, let volume = try await keptVolume(of: claim), KeptVolume(volume)?.isToBeDeleted == false {
      try await writes.recordDeletion(on: volume)
    }
    try await writes.release(claim)
    return .done
  }

  /// Whether the claim or its namespace asks for the deletion of the data now.
  private func isDeletionWanted(_ claim: PersistentVolumeClaim) async throws(WriteFailure) -> Bool {
    if claim.asksForDeletion { return true }
    let name = claim.metadata.namespace
    guard claim.isHeld || namespaces[name]?.isDeletingData == true else { return false }
    return try await writes.keptNamespace(name).map(KnownNamespace.init)?.isDeletingData ?? false
  }

  /// The claim's PV, if it is kept and names exactly this claim.
  private func keptVolume(of claim: PersistentVolumeClaim) async throws(WriteFailure) -> PersistentVolume? {
    guard !claim.volumeName.isEmpty, let volume = try await writes.keptVolume(claim.volumeName),
      let kept = KeptVolume(volume), kept.isKept, kept.claimUID == claim.metadata.uid
    else { return nil }
    return volume
  }
}

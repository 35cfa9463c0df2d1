internal import Controllers
internal import KubernetesAPI
internal import StorageModel

// Claims with a deletion request: annotation `delete-data` on the claim or on its namespace.
//
// The annotation disappears with its object, so a finalizer of ours holds the claim. When no pod uses the claim any
// more, the keeper reads the annotation once more, records the request on the PV, and removes the finalizer. If a user
// removes the annotation before that, the data is kept. A request on a claim with the finalizer cannot be lost.
extension KeptVolumeKeeper {
  /// Adds or removes our finalizer, and records the deletion request on the PV of a claim that is being deleted. Waits
  /// for the API server.
  func process(claim key: ObjectKey) async throws(WriteFailure) -> Ending {
    guard let claim = try await writes.keptClaim(key) else { return .done }
    let isWanted = try await isDeletionWanted(claim)
    if !claim.metadata.isBeingDeleted {
      if isWanted, !claim.isHeld, try await keptVolume(of: claim) != nil {
        try await writes.hold(claim)
        logLine("deletion of a claim's data requested", ["claim": key.description, "volume": claim.volumeName])
        writes.sendEvent(
          claim.reference, .keptDataDeletion,
          "the data is deleted for good as soon as the claim is gone; remove the annotation "
            + "\(ClusterNames.deleteDataAnnotation) before that to keep it")
      } else if !isWanted, claim.isHeld {
        try await writes.release(claim)
      }
      return .done
    }
    // Another finalizer: a pod still uses the claim. Until that ends, the request can be withdrawn.
    guard claim.isHeldByUsAlone else { return .done }
    if isWanted, let volume = try await keptVolume(of: claim), KeptVolume(volume)?.isToBeDeleted == false {
      try await writes.recordDeletion(on: volume)
    }
    try await writes.release(claim)
    return .done
  }

  /// Whether the claim or its namespace requests the deletion of the data now. Reads the namespace from the API server
  /// if that can matter.
  private func isDeletionWanted(_ claim: PersistentVolumeClaim) async throws(WriteFailure) -> Bool {
    if claim.asksForDeletion { return true }
    let name = claim.metadata.namespace
    guard claim.isHeld || namespaces[name]?.isDeletingData == true else { return false }
    return try await writes.keptNamespace(name).map(KnownNamespace.init)?.isDeletingData ?? false
  }

  /// Reads the claim's PV; nil unless it is kept and names exactly this claim.
  private func keptVolume(of claim: PersistentVolumeClaim) async throws(WriteFailure) -> PersistentVolume? {
    guard !claim.volumeName.isEmpty, let volume = try await writes.keptVolume(claim.volumeName),
      let kept = KeptVolume(volume), kept.isKept, kept.claimUID == claim.metadata.uid
    else { return nil }
    return volume
  }
}

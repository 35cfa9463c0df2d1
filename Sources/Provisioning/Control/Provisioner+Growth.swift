internal import Controllers
internal import KeptVolumes
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// A claim that asks for more than its volume has.
//
// Kubernetes' own expand controller writes the new size into the PV of any FlexVolume, and asks nobody for the space
// (IsKubeletExpandable, 1.20 to 1.36); then kubelet calls `expandfs`. The ledger takes the space if there is any. We never write
// to a claim that grows: two writers of one claim make the controller of 1.20 crash, whose `expand` does not survive a conflict.
//
// Since 1.34 a request can be lowered again, to more than `status.capacity`. Kubernetes leaves the PV as it is then, and kubelet
// goes on asking for the PV's size. So the provisioner sets a PV of ours back to the request, if its node has no space for it.
extension Provisioner {
  /// Says before a pod meets it that there is no space for what was asked.
  func checkGrowth(_ claim: PersistentVolumeClaim) async -> Ending {
    let key = claim.metadata.key
    do throws(WriteFailure) {
      guard let request = claim.request, let volume = try await writes.volume(claim.volumeName),
        isTheVolume(volume, of: claim)
      else {
        waits[key] = nil
        return .done
      }
      guard var booking = await allocator.booking(of: volume) else {
        // It is on no node yet: whoever creates it asks for the space.
        try await raise(volume, to: request)
        waits[key] = nil
        return .done
      }
      let wanted = min(request.byteCount ?? .largestVolume, .largestVolume)
      if wanted < volume.size, await !canGrow(booking, volume) { try await lower(volume, to: request, of: claim) }
      booking.wanted = max(booking.size, wanted)
      let isCertain: Bool
      do throws(Shortage) {
        isCertain = try await allocator.checkGrowth(booking, for: volume.metadata.name)
      } catch {
        refuse(claim, Self.refusal(error))
        wait(key, for: .growth(volume: volume.metadata.name, to: booking.wanted))
        return .done
      }
      try await raise(volume, to: request)
      waits[key] = nil
      sendGrowthPossible(claim, booking.wanted)
      // Others that are to grow may be faster.
      return isCertain ? .done : .again(after: configuration.waitingClaimsInterval)
    } catch {
      switch error.kind {
      case .missing: return .done
      // The PV has changed since it was read, or the claim is shown late.
      case .conflict: return .failed
      case .exists, .rejected, .unknown: return failed(claim, error)
      }
    }
  }

  static func refusal(_ shortage: Shortage) -> Refusal {
    Refusal(
      .insufficientStorage,
      "the volume cannot grow: \(shortage.message). Pods that run go on; a pod that starts waits until there is room. Free "
        + "space on the node, or lower the claim's request to what fits (Kubernetes 1.34 and later)")
  }

  private func canGrow(_ booking: Booking, _ volume: PersistentVolume) async -> Bool {
    do throws(Shortage) {
      _ = try await allocator.checkGrowth(booking, for: volume.metadata.name)
      return true
    } catch {
      return false
    }
  }

  /// A claim that has got a kept volume back may have asked for more from the beginning. Kubernetes' controller notices only a
  /// request that is changed (`expand_controller.go`, 1.20 to 1.36), so the PV gets the new size here; then kubelet grows it.
  private func raise(_ volume: PersistentVolume, to request: Quantity) async throws(WriteFailure) {
    guard KeptVolume(volume) != nil, let wanted = request.byteCount, wanted > volume.size else { return }
    try await writes.setCapacity(request, of: volume)
  }

  /// Sets the PV's size back to the request, which was lowered. The volume itself is never made smaller.
  ///
  /// - Throws: `conflict` when the claim asks for another size by now.
  private func lower(
    _ volume: PersistentVolume, to request: Quantity, of claim: PersistentVolumeClaim
  ) async throws(WriteFailure) {
    guard volume.isProvisionedByUs else { return }
    // The watch may be behind: a request that was raised, not lowered, has made the PV this large. The API server has the last
    // word, and was asked for the PV first.
    let current = try await writes.claim(claim.metadata.key)
    guard let current, current.metadata.uid == claim.metadata.uid, current.request == request else {
      throw WriteFailure(.conflict, "the claim has changed")
    }
    let capacity = max(request, Quantity(volume.madeSize))
    try await writes.setCapacity(capacity, of: volume)
    logLine(
      "PV set back to a lowered request",
      [
        "claim": claim.metadata.key.description, "volume": volume.metadata.name, "from": "\(volume.size)",
        "to": "\(capacity)",
      ])
  }

  /// Told only to those who have read that there is none.
  private func sendGrowthPossible(_ claim: PersistentVolumeClaim, _ size: ByteCount) {
    guard sentRefusals.end(of: claim.metadata.key) else { return }
    writes.sendEvent(
      claim.reference,
      EventDraft(
        .volumeCanGrow,
        "there is room now to grow the volume to \(size); kubelet grows it, at the latest when its next pod starts"
      ))
  }

  private func isTheVolume(_ volume: PersistentVolume, of claim: PersistentVolumeClaim) -> Bool {
    volume.isOurs && volume.claim?.uid == claim.metadata.uid && !volume.metadata.isBeingDeleted
  }
}

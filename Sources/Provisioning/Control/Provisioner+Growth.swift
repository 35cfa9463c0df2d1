internal import Controllers
internal import KeptVolumes
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// Claims that request more than their volume has.
//
// Kubernetes' expand controller writes the new size to the PV of any FlexVolume without a check for free space
// (`IsKubeletExpandable`, 1.20 to 1.36). Kubelet then calls `expandfs`. The ledger books the growth if it fits. The
// provisioner never writes to a claim that grows: the controller of 1.20 crashes on a conflict with another writer.
//
// Since 1.34 a request can be lowered again, to any size above `status.capacity`. Kubernetes then leaves the PV as it
// is, and kubelet keeps requesting the PV's size. So if the node lacks the space, the provisioner sets a PV of ours
// back to the request.
extension Provisioner {
  /// Checks whether the volume can grow, and sends a refusal if not, before a pod has to wait for it. Waits for the API
  /// server.
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
        // The volume is on no node yet. Its space is checked when it gets one.
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
      // If other volumes grow first, there may not be enough space left.
      return isCertain ? .done : .again(after: configuration.waitingClaimsInterval)
    } catch {
      switch error.kind {
      case .missing: return .done
      // The PV has changed since it was read, or the claim's watch is behind.
      case .conflict: return .failed
      case .exists, .rejected, .unknown: return failed(claim, error)
      }
    }
  }

  /// The refusal of a growth.
  static func refusal(_ shortage: Shortage) -> Refusal {
    Refusal(
      .insufficientStorage,
      "the volume cannot grow: \(shortage.message). Running pods continue, but a new pod waits until there is enough free "
        + "space. Free space on the node, or lower the claim's request to what fits (Kubernetes 1.34 and later)")
  }

  private func canGrow(_ booking: Booking, _ volume: PersistentVolume) async -> Bool {
    do throws(Shortage) {
      _ = try await allocator.checkGrowth(booking, for: volume.metadata.name)
      return true
    } catch {
      return false
    }
  }

  /// Sets the size of a kept PV to the claim's larger request; kubelet then grows the volume.
  ///
  /// A claim that gets a kept volume back may request more from the beginning. Kubernetes' controller acts only when a
  /// request changes (`expand_controller.go`, 1.20 to 1.36).
  private func raise(_ volume: PersistentVolume, to request: Quantity) async throws(WriteFailure) {
    guard KeptVolume(volume) != nil, let wanted = request.byteCount, wanted > volume.size else { return }
    try await writes.setCapacity(request, of: volume)
  }

  /// Sets the PV's size back to the lowered request. The volume itself never becomes smaller.
  ///
  /// - Throws: `conflict` if the claim requests another size now.
  private func lower(
    _ volume: PersistentVolume, to request: Quantity, of claim: PersistentVolumeClaim
  ) async throws(WriteFailure) {
    guard volume.isProvisionedByUs else { return }
    // The watch may be behind: the request may have been raised, and the PV with it. So the claim is read, after the
    // PV.
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

  /// Sends an Event that the volume can grow, if a refusal was sent before.
  private func sendGrowthPossible(_ claim: PersistentVolumeClaim, _ size: ByteCount) {
    guard sentRefusals.end(of: claim.metadata.key) else { return }
    writes.sendEvent(
      claim.reference,
      EventDraft(
        .volumeCanGrow,
        "there is enough free space now to grow the volume to \(size); kubelet grows it when its next pod starts, or earlier"
      ))
  }

  private func isTheVolume(_ volume: PersistentVolume, of claim: PersistentVolumeClaim) -> Bool {
    volume.isOurs && volume.claim?.uid == claim.metadata.uid && !volume.metadata.isBeingDeleted
  }
}

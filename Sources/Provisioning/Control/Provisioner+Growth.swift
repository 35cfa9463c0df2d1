internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

// A claim that asks for more than its volume has. The ledger gives the room, kubelet calls `expandfs`.
extension Provisioner {
  func grow(_ claim: PersistentVolumeClaim) async -> WorkQueue<Work>.Ending {
    do throws(WriteFailure) {
      guard let volume = try await writes.volume(claim.volumeName), isToGrow(volume, claim),
        let wanted = claim.request?.byteCount
      else { return .settled }
      if volume.size < wanted, let ending = try await enlarge(volume, to: wanted, for: claim) { return ending }
      waitingForRoom.remove(claim.metadata.key)
      return try await tellKubelet(of: claim, wanted)
    } catch {
      switch error.kind {
      case .conflict: return .again(after: .zero)
      case .missing: return .settled
      case .exists, .rejected, .unknown: return failed(claim, error)
      }
    }
  }

  /// The controller for expansion in kube-controller-manager writes the same, for FlexVolume too, and often kubelet is done
  /// before it matters. It goes first, since that of 1.20 crashes when the claim has changed under it: it takes the name of
  /// the claim that it did not get (`expandController.expand`, `MarkResizeInProgressWithResizer`).
  private func tellKubelet(
    of claim: PersistentVolumeClaim, _ size: ByteCount
  ) async throws(WriteFailure) -> WorkQueue<Work>.Ending {
    let key = claim.metadata.key
    if growths[key]?.size != size { growths[key] = (size, now) }
    let left = settings.expanderTime - (now - (growths[key]?.since ?? now))
    guard left <= .zero else { return .again(after: left) }
    try await writes.markResizePending(claim, size)
    return .settled
  }

  private func isToGrow(_ volume: PersistentVolume, _ claim: PersistentVolumeClaim) -> Bool {
    volume.isOurs && volume.claim?.uid == claim.metadata.uid && !volume.metadata.isBeingDeleted
  }

  /// Takes the room and writes it into the PV. Not nil when there is none.
  private func enlarge(
    _ volume: PersistentVolume, to size: ByteCount, for claim: PersistentVolumeClaim
  ) async throws(WriteFailure) -> WorkQueue<Work>.Ending? {
    let name = volume.metadata.name
    if var booking = booking(of: volume) {
      booking.size = size
      do throws(Shortage) {
        try ledger.reserve(booking, for: name)
      } catch {
        refuse(claim, Refusal(.insufficientStorage, "the volume can not grow: \(error.message)"))
        waitingForRoom.insert(claim.metadata.key)
        return .again(after: settings.roomInterval)
      }
    }
    do throws(WriteFailure) {
      try await writes.grow(volume, to: size)
    } catch {
      // Lost answers keep the room until the PV is seen again.
      if error.kind != .unknown { ledger.cancel(name) }
      throw error
    }
    ledger.confirm(name)
    count(\.volumesGrown)
    note(
      "volume grown", ["claim": claim.metadata.key.description, "volume": name, "size": "\(size)"])
    return nil
  }
}

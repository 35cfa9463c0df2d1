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
      try await writes.markResizePending(claim, wanted)
      return .settled
    } catch {
      switch error.kind {
      case .conflict: return .again(after: .zero)
      case .missing: return .settled
      case .exists, .rejected, .unknown: return failed(claim, error)
      }
    }
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

internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// A claim that asks for more than its volume has.
//
// Kubernetes' own expand controller writes the new size into the PV of any FlexVolume, and asks nobody for the room
// (IsKubeletExpandable, 1.20 to 1.36); then kubelet calls `expandfs`. The ledger follows what it sees. We write nothing: two
// writers of one claim make the controller of 1.20 crash, whose `expand` does not survive a conflict.
extension Provisioner {
  /// Says before a pod meets it that there is no room for what was asked.
  func lookAtGrowth(_ claim: PersistentVolumeClaim) async -> WorkQueue<Work>.Ending {
    let key = claim.metadata.key
    do throws(WriteFailure) {
      guard let wanted = claim.request?.byteCount, let volume = try await writes.volume(claim.volumeName),
        isTheVolume(volume, of: claim), var booking = booking(of: volume)
      else {
        waitingForRoom.remove(key)
        return .settled
      }
      booking.size = max(wanted, volume.size)
      do throws(Shortage) {
        try ledger.check(booking, for: volume.metadata.name)
        waitingForRoom.remove(key)
        return .settled
      } catch {
        refuse(
          claim,
          Refusal(
            .insufficientStorage,
            "the volume can not grow: \(error.message). Kubernetes counts it as grown all the same: pods that run go on, and "
              + "one that starts waits until there is room"))
        waitingForRoom.insert(key)
        return .again(after: settings.roomInterval)
      }
    } catch {
      return error.kind == .missing ? .settled : failed(claim, error)
    }
  }

  private func isTheVolume(_ volume: PersistentVolume, of claim: PersistentVolumeClaim) -> Bool {
    volume.isOurs && volume.claim?.uid == claim.metadata.uid && !volume.metadata.isBeingDeleted
  }
}

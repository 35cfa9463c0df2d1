internal import Controllers
internal import KubernetesAPI
internal import StorageModel
internal import StorageLedger

// A claim that has no volume.
extension Provisioner {
  func process(claim key: ObjectKey) async -> WorkQueue<Work>.Ending {
    // What was perhaps written for a claim of that name that is gone, or for a node that it does not want any more.
    guard await settleDoubts(of: key, except: claims[key].flatMap(verdict(on:))?.volume) else { return .failed }
    guard let claim = claims[key] else {
      waits[key] = nil
      return .settled
    }
    if !claim.volumeName.isEmpty { return await lookAtGrowth(claim) }
    switch verdict(on: claim) {
    case .make(let wish): return await make(wish, for: claim)
    case .wait(let wish?): wait(key, for: .firstConsumer(wish))
    case .leave, .wait(nil): waits[key] = nil
    case .refuse(let refusal):
      waits[key] = nil
      refuse(claim, refusal)
    }
    return .settled
  }

  private func verdict(on claim: PersistentVolumeClaim) -> ClaimVerdict {
    ClaimReview.verdict(on: claim, in: claim.className.flatMap { classes[$0] })
  }

  private func make(_ wish: VolumeWish, for claim: PersistentVolumeClaim) async -> WorkQueue<Work>.Ending {
    // Written already, perhaps: an answer was lost, or the claim is shown late. Should another attempt be refused, that would
    // not prove that the first one was.
    if ledger.booking(of: wish.volume) != nil, let ending = await adoptEarlierWrite(of: wish, for: claim) {
      return ending
    }
    let volume: PersistentVolume
    do throws(WriteFailure) {
      switch try await place(wish, of: claim.metadata.key) {
      case .at(let hostname): volume = wish.persistentVolume(hostname: hostname)
      case .elsewhere(let reason): return await reschedule(claim, reason)
      case .nowhere:
        wait(claim.metadata.key, for: .anyNode(wish))
        return .settled
      }
    } catch {
      return failed(claim, error)
    }
    waits[claim.metadata.key] = nil
    do throws(WriteFailure) {
      let written = try await writes.create(volume)
      ledger.confirm(wish.volume, uid: written.metadata.uid)
      dispel(wish.volume, of: claim.metadata.key)
      created(written, for: claim)
      return .settled
    } catch {
      return await afterFailedCreation(error, wish, claim)
    }
  }

  private enum Placing {
    /// Room is reserved on that node; nil leaves the node to the first mount.
    case at(String?)
    case elsewhere(String)
    /// No node has room.
    case nowhere
  }

  /// Finds the node and takes room there.
  private func place(_ wish: VolumeWish, of claim: ObjectKey) async throws(WriteFailure) -> Placing {
    guard let name = wish.node else { return refusal(of: wish) == nil ? .at(nil) : .nowhere }
    guard let labels = try await labels(of: name) else {
      return .elsewhere("node \(name) does not exist any more")
    }
    guard let hostname = labels[ClusterNames.hostnameLabel] else {
      return .elsewhere("node \(name) has no label \(ClusterNames.hostnameLabel), which volumes are pinned by")
    }
    if let reason = ambiguity(of: hostname) { return .elsewhere(reason) }
    guard wish.allowedTopologies.allow(labels) else {
      return .elsewhere("node \(name) is outside the storage class's allowedTopologies")
    }
    let booking = Booking(node: hostname, place: wish.parameters.place, size: wish.size)
    if doubts[claim]?[wish.volume] != nil, let former = ledger.booking(of: wish.volume), former != booking {
      throw WriteFailure(
        .unknown, "PersistentVolume \(wish.volume) was perhaps written for node \(former.node), and is not there yet")
    }
    do throws(Shortage) {
      try ledger.reserve(booking, for: wish.volume)
      roomChanged(on: hostname)
      return .at(hostname)
    } catch {
      return .elsewhere(error.message)
    }
  }

  /// Why no volume can be pinned to a hostname; nil when one can.
  func ambiguity(of hostname: String) -> String? {
    let sharing = nodes.names(sharing: hostname)
    guard sharing.count > 1 else { return nil }
    return
      "nodes \(sharing.joined(separator: " and ")) have the same label \(ClusterNames.hostnameLabel)=\(hostname), so a "
      + "volume cannot be pinned to one of them; give each node its own"
  }

  /// A node that is not known may be new: the API server is asked before it is called gone.
  func labels(of node: String) async throws(WriteFailure) -> StringMap? {
    if let known = nodes[node] { return known }
    return try await writes.node(node)?.metadata.labels
  }

  private func created(_ volume: PersistentVolume, for claim: PersistentVolumeClaim) {
    count(\.volumesCreated)
    note(
      "volume provisioned",
      [
        "claim": claim.metadata.key.description, "volume": volume.metadata.name, "size": "\(volume.size)",
        "node": volume.hostname ?? "",
      ])
    tellOfSuccess(volume, claim)
  }

  /// Who has read of trouble reads of its end. Where there was none, Kubernetes' own Events do, and no request is spent.
  private func tellOfSuccess(_ volume: PersistentVolume, _ claim: PersistentVolumeClaim) {
    guard troubles.end(of: claim.metadata.key) else { return }
    let place = volume.hostname.map { "on node \($0)" } ?? "on the node of its first pod"
    writes.tell(
      claim.reference, Note(.provisioningSucceeded, "volume \(volume.metadata.name) of \(volume.size) \(place)"))
  }

  private func afterFailedCreation(
    _ failure: WriteFailure, _ wish: VolumeWish, _ claim: PersistentVolumeClaim
  ) async -> WorkQueue<Work>.Ending {
    switch failure.kind {
    case .exists: return await adoptEarlierWrite(of: wish, for: claim) ?? .failed
    case .unknown:
      // The room stays reserved: the PV may be there.
      doubts[claim.metadata.key, default: [:]][wish.volume] = now
      return failed(claim, failure)
    case .missing, .conflict, .rejected:
      // It says nothing of an earlier attempt.
      if doubts[claim.metadata.key]?[wish.volume] == nil { ledger.cancel(wish.volume) }
      return failed(claim, failure)
    }
  }

  /// The PV is there already: written by us before an answer was lost, or by a former leader. Nil when it is not, as yet.
  private func adoptEarlierWrite(
    of wish: VolumeWish, for claim: PersistentVolumeClaim
  ) async -> WorkQueue<Work>.Ending? {
    do throws(WriteFailure) {
      guard let found = try await read(wish.volume, for: claim.metadata.key) else { return nil }
      guard found.isOurs, found.claim?.uid == wish.claim.uid else {
        refuse(
          claim,
          Refusal(
            .provisioningFailed,
            "a PersistentVolume \(wish.volume) exists that is not this claim's; delete or rename it"))
        return .failed
      }
      guard !found.metadata.isBeingDeleted else {
        return failed(
          claim,
          WriteFailure(.conflict, "PersistentVolume \(wish.volume) is being deleted; another is made when it is gone"))
      }
      tellOfSuccess(found, claim)
      return .settled
    } catch {
      // An earlier loss stands: reading sends nothing that could be carried out late.
      if doubts[claim.metadata.key]?[wish.volume] == nil { doubts[claim.metadata.key, default: [:]][wish.volume] = now }
      return failed(claim, error)
    }
  }

  /// Looks for what was perhaps written, so that its room is either booked or free. If it is there, the claim is bound to it,
  /// or its claim's end releases it. False when that could not be found out yet.
  private func settleDoubts(of key: ObjectKey, except wanted: String?) async -> Bool {
    for name in (doubts[key] ?? [:]).keys where name != wanted {
      do throws(WriteFailure) { _ = try await read(name, for: key) } catch { return false }
      if doubts[key]?[name] != nil { return false }
    }
    return true
  }

  /// What there is of a PV that was perhaps written for a claim: its room is booked or free from now on. What is not there
  /// stays in doubt, and its room reserved, for as long as the API server may be about to write it.
  private func read(_ volume: String, for key: ObjectKey) async throws(WriteFailure) -> PersistentVolume? {
    let asked = now
    let found = try await writes.volume(volume)
    if let found {
      ledger.settle(volume, as: booking(of: found), uid: found.metadata.uid)
    } else if let lost = doubts[key]?[volume], asked - lost < settings.writeLimit {
      return nil
    } else {
      ledger.cancel(volume)
    }
    dispel(volume, of: key)
    return found
  }

  private func dispel(_ volume: String, of key: ObjectKey) {
    doubts[key]?[volume] = nil
    if doubts[key]?.isEmpty == true { doubts[key] = nil }
  }

  private func reschedule(_ claim: PersistentVolumeClaim, _ reason: String) async -> WorkQueue<Work>.Ending {
    guard let node = claim.selectedNode else { return .settled }
    do throws(WriteFailure) {
      try await writes.removeSelectedNode(node, from: claim)
    } catch {
      // A claim that has changed or gone comes back by itself.
      return error.kind == .conflict || error.kind == .missing ? .settled : failed(claim, error)
    }
    count(\.rescheduled)
    tell(
      claim, "node has no room", Refusal(.insufficientStorage, "\(reason); the scheduler is asked for another node"),
      ["node": node])
    return .settled
  }

  /// True when the claim's owner has been told, and not before.
  @discardableResult
  func refuse(_ claim: PersistentVolumeClaim, _ refusal: Refusal) -> Bool {
    guard tell(claim, "claim refused", refusal) else { return false }
    count(\.refused)
    return true
  }

  /// It is tried again; whoever looks at the claim can see why it takes so long.
  func failed(_ claim: PersistentVolumeClaim, _ failure: WriteFailure) -> WorkQueue<Work>.Ending {
    count(\.failures)
    // A conflict is the ordinary course of things.
    if failure.kind != .conflict {
      tell(
        claim, "claim not provisioned yet", Refusal(.provisioningFailed, "\(failure.message); it is tried again"))
    }
    return .failed
  }

  /// Says it in the log and in an Event, unless that has been done lately. True when it was said.
  @discardableResult
  private func tell(
    _ claim: PersistentVolumeClaim, _ message: String, _ refusal: Refusal, _ values: [String: String] = [:]
  ) -> Bool {
    guard troubles.isNews(refusal, of: claim.metadata.key, at: now) else { return false }
    let about = [
      "claim": claim.metadata.key.description, "kind": refusal.reason.rawValue, "reason": refusal.message,
    ]
    note(message, about.merging(values) { _, new in new }, isWarning: true)
    writes.tell(claim.reference, Note(refusal.reason, refusal.message))
    return true
  }
}

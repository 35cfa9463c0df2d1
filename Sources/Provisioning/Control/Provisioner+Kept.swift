internal import Controllers
package import KeptVolumes
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// Claims of a class that keeps volumes. A kept volume comes before a new one.
//
// A PV is given back with one write that names the resource version that was read. Before it, the PV, the claim and the
// namespace are read in this order:
//
// - The claim is read after the PV. So if the PV names a claim of the same name with another UID, that claim is older
//   and is gone for good.
// - The namespace is read after the claim. So it is the claim's own namespace, not a former one of that name.
extension Provisioner {
  /// The result of the search for a kept volume.
  enum KeptOutcome {
    /// The claim has got a kept volume, waits for one, or is refused.
    case settled(Ending)
    /// No volume is kept for the claim. Carries the identity for a new volume; nil if none is created yet.
    case nothing(KeptIdentity?)
  }

  /// Gives the claim the volume that is kept for it. Waits for the API server. A failure is sent as an Event and
  /// retried.
  ///
  /// - Parameter isCreating: whether a volume is created if none is kept. If not, only volumes that a watch has shown
  ///   count: the claim still waits for a pod, and the search is repeated before a volume is created.
  func findKept(_ wish: VolumeWish, for claim: PersistentVolumeClaim, isCreating: Bool) async -> KeptOutcome {
    do throws(WriteFailure) {
      let key = claim.metadata.key
      if let identity = namespaces[key.namespace]?.identity {
        let known = keptVolumes.volumes(concerning: key, identity)
        switch choose(known, wish, identity) {
        case .none: break
        case .own(let volume): return .settled(try await bind(volume, claim))
        case .wait(let volume): return wait(for: volume, claim)
        case .giveBack(let volume, _), .conflict(let volume, _):
          return .settled(try await giveBack(volume.name, others: known, wish))
        }
      }
      guard isCreating else { return .nothing(nil) }
      return try await findUnseen(wish, for: claim)
    } catch {
      return .settled(failed(claim, error))
    }
  }

  /// Lists the kept volumes from the API server. The watches may be behind, and no volume may be created while another
  /// is kept for the claim.
  private func findUnseen(
    _ wish: VolumeWish, for claim: PersistentVolumeClaim
  ) async throws(WriteFailure) -> KeptOutcome {
    let key = claim.metadata.key
    guard let namespace = try await kept.writes.keptNamespace(key.namespace).map(KnownNamespace.init),
      !namespace.isTerminating
    else { return .settled(.done) }
    let found = try await kept.writes.keptVolumes(for: key, namespace.identity).compactMap(KeptVolume.init)
    switch choose(found, wish, namespace.identity) {
    case .none:
      keptConflicts.remove(key)
      return .nothing(namespace.identity)
    case .own(let volume): return .settled(try await bind(volume, claim))
    case .wait(let volume): return wait(for: volume, claim)
    case .giveBack(let volume, _), .conflict(let volume, _):
      return .settled(try await giveBack(volume.name, others: found, wish))
    }
  }

  private func choose(_ volumes: [KeptVolume], _ wish: VolumeWish, _ identity: KeptIdentity) -> KeptVerdict {
    let claim = ReturningClaim(
      key: ObjectKey(namespace: wish.claim.namespace, name: wish.claim.name), uid: wish.claim.uid,
      storageClass: wish.className, identity: identity)
    // With `onNodeLoss: recreateClaim`, a claim gets a new volume on another node if the kept one's node is gone.
    let reachable = volumes.filter { volume in
      wish.parameters.onNodeLoss != .recreateClaim || volume.givenTo == claim.key
        || volume.hostname.map { isGone($0) } != true
    }
    return KeptChoice.verdict(
      for: claim, among: reachable, holder: { claimIndex.state(ofUID: $0.claimUID) }, isNodeGone: { isGone($0) })
  }

  /// Whether a node has been missing for longer than the grace time (`--node-grace`).
  private func isGone(_ hostname: String) -> Bool {
    nodes.absence(of: hostname, at: now).map { $0 >= configuration.nodeGrace } ?? false
  }

  private func wait(for volume: KeptVolume, _ claim: PersistentVolumeClaim) -> KeptOutcome {
    logLine(
      "claim waits for its kept volume",
      ["claim": claim.metadata.key.description, "volume": volume.name, "holder": volume.claim?.description ?? ""])
    return .settled(.again(after: configuration.waitingClaimsInterval))
  }

  // MARK: Giving back

  /// Reads the PV, the claim and the namespace, decides again, and gives the PV back.
  ///
  /// - Parameter others: the other volumes that may concern the claim.
  private func giveBack(
    _ name: String, others: [KeptVolume], _ wish: VolumeWish
  ) async throws(WriteFailure) -> Ending {
    let key = ObjectKey(namespace: wish.claim.namespace, name: wish.claim.name)
    guard let volume = try await kept.writes.keptVolume(name), let now = KeptVolume(volume),
      let claim = try await kept.writes.keptClaim(key), claim.metadata.uid == wish.claim.uid,
      claim.volumeName.isEmpty, !claim.metadata.isBeingDeleted,
      let namespace = try await kept.writes.keptNamespace(key.namespace).map(KnownNamespace.init),
      !namespace.isTerminating
    else { return .again(after: Self.keptPause) }
    let volumes = [now] + others.filter { $0.name != name }
    switch choose(volumes, wish, namespace.identity) {
    case .conflict(let volume, let conflict):
      keptConflicts.insert(key)
      refuse(claim, Refusal(.keptVolumeConflict, conflict.message(for: volume, key, namespace.identity)))
      return .again(after: configuration.waitingClaimsInterval)
    case .giveBack(let chosen, let others) where chosen.name == name:
      guard try await isFree(chosen, for: key), await !kept.isCondemned(chosen) else {
        return .again(after: Self.keptPause)
      }
      try await kept.writes.giveBack(volume, to: claim, namespace.identity, storageClass: wish.className)
      returned(chosen, others, claim)
      return try await bind(chosen, claim)
    case .none, .own, .wait, .giveBack: return .again(after: Self.keptPause)
    }
  }

  /// The pause before the next look at a claim after objects were read that do not fit together.
  private static let keptPause = Duration.seconds(1)

  /// Whether the claim that the PV names is gone. Reads it, unless it has the same name as the returning claim: then it
  /// is gone, see the head of this file.
  private func isFree(_ volume: KeptVolume, for key: ObjectKey) async throws(WriteFailure) -> Bool {
    guard let holder = volume.claim, holder != key, volume.isReserved else { return true }
    return try await kept.writes.keptClaim(holder)?.metadata.uid != volume.claimUID
  }

  /// Has the claim name the PV, if it requests more than the PV has. Kubernetes binds such a claim only if both name
  /// each other. It binds any other claim to the PV that names it (`FindMatchingVolume` and `syncUnboundClaim` of the
  /// PV controller).
  private func bind(_ volume: KeptVolume, _ claim: PersistentVolumeClaim) async throws(WriteFailure) -> Ending {
    keptConflicts.remove(claim.metadata.key)
    waits[claim.metadata.key] = nil
    guard let request = claim.request?.byteCount, request > volume.size else { return .done }
    guard let now = try await kept.writes.keptClaim(claim.metadata.key), now.metadata.uid == claim.metadata.uid,
      now.volumeName.isEmpty, !now.metadata.isBeingDeleted
    else { return .done }
    try await kept.writes.bind(now, to: volume.name)
    return .done
  }

  /// Counts and logs a volume that was given back, and sends its Event.
  private func returned(_ volume: KeptVolume, _ others: [KeptVolume], _ claim: PersistentVolumeClaim) {
    sentRefusals.end(of: claim.metadata.key)
    counters.keptVolumesReturned += 1
    logLine(
      "kept volume given back",
      [
        "claim": claim.metadata.key.description, "volume": volume.name, "node": volume.hostname ?? "",
        "formerClaim": volume.claim?.description ?? "",
      ])
    writes.sendEvent(claim.reference, EventDraft(.keptVolumeReturned, volume.returnMessage(to: claim, others)))
  }

  // MARK: What lists and watches show

  /// Sets a kept volume; nil for a PV that is gone or not kept. Schedules a look at the claims that may get it.
  func known(kept name: String, _ new: KeptVolume?) {
    let former = keptVolumes[name]
    guard former != nil || new != nil else { return }
    keptVolumes.set(name, new)
    for volume in [former, new].compactMap(\.self) {
      for key in [volume.claim, volume.givenTo].compactMap(\.self) where claims[key] != nil { enqueue(.claim(key)) }
      guard case .owner = volume.identity, let name = volume.claim?.name else { continue }
      for key in claims.keys where key.name == name { enqueue(.claim(key)) }
    }
  }

  /// Sets a namespace; nil for one that is gone.
  package func namespace(_ name: String, _ new: KnownNamespace?) {
    let former = namespaces[name]
    namespaces[name] = new
    guard former?.identity != new?.identity || former?.uid != new?.uid else { return }
    for (key, claim) in claims where key.namespace == name && claim.volumeName.isEmpty { enqueue(.claim(key)) }
  }
}

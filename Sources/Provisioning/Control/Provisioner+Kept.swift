internal import Controllers
package import KeptVolumes
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// A claim of a class that keeps volumes: the volume that is kept for it comes before a new one.
//
// A PV is given back by one write that names the resource version as it was read, in this order: the PV, the claim, the
// namespace. If the claim has its name after the PV was read, the claim that the PV names under the same name was there before
// and is gone for good. If the namespace is read after the claim, it is the claim's own, not a former one of that name.
extension Provisioner {
  /// What came of looking for a kept volume.
  enum KeptOutcome {
    /// The claim has one, or waits for one, or is refused.
    case settled(Ending)
    /// There is none. With the identity that a new one is to be kept for; nil where none is to be created yet.
    case nothing(KeptIdentity?)
  }

  /// - Parameter isCreating: whether a volume is created if none is kept. While a claim waits for a pod, what the watches have
  ///   shown is enough.
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

  /// The watches may be behind, and a second volume beside a kept one is what must not be: the API server has the last word.
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
    // A class that has claims made anew elsewhere gives up what is on a node that is gone.
    let reachable = volumes.filter { volume in
      wish.parameters.onNodeLoss != .recreateClaim || volume.givenTo == claim.key
        || volume.hostname.map { isGone($0) } != true
    }
    return KeptChoice.verdict(
      for: claim, among: reachable, holder: { claimIndex.state(ofUID: $0.claimUID) }, isNodeGone: { isGone($0) })
  }

  /// Whether a node has been gone for as long as its volumes wait for it.
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

  /// How soon a claim is looked at again when what was read does not fit together.
  private static let keptPause = Duration.seconds(1)

  /// Whether the claim that the PV names is gone. It was read after the PV; see above where both have one name.
  private func isFree(_ volume: KeptVolume, for key: ObjectKey) async throws(WriteFailure) -> Bool {
    guard let holder = volume.claim, holder != key, volume.isReserved else { return true }
    return try await kept.writes.keptClaim(holder)?.metadata.uid != volume.claimUID
  }

  /// Kubernetes binds a claim to the PV that names it, but for a claim that asks for more than the PV has: that one has to name
  /// the PV too (`FindMatchingVolume` and `syncUnboundClaim` of the PV controller). Then Kubernetes has it grown.
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

  /// A kept volume has changed: claims that may want it are looked at.
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

  /// - Parameter new: nil when the namespace is gone.
  package func namespace(_ name: String, _ new: KnownNamespace?) {
    let former = namespaces[name]
    namespaces[name] = new
    guard former?.identity != new?.identity || former?.uid != new?.uid else { return }
    for (key, claim) in claims where key.namespace == name && claim.volumeName.isEmpty { enqueue(.claim(key)) }
  }
}

package import KubernetesAPI
package import StorageModel
internal import StorageLedger

// What lists and watches show. Nil is an object that is gone.
extension Provisioner {
  package func storageClass(_ name: String, _ new: StorageClass?) {
    let isOurs = new.map { ClusterNames.provisioners.contains($0.provisioner) } ?? false
    let known = classes[name]
    classes[name] = isOurs ? new : nil
    guard isOurs || known != nil else { return }
    roomChangedEverywhere()
    for (key, claim) in claims where claim.className == name { look(at: .claim(key)) }
  }

  /// A node's labels.
  package func node(_ name: String, _ new: StringMap?) {
    let former = nodes.hostname(of: name)
    nodes.set(name, new, at: now)
    if storages[name] != nil, nodes.hostname(of: name) != former {
      for case let hostname? in [name, former, nodes.hostname(of: name)] { publishStorage(of: hostname) }
      lookAtWaitingClaims()
    }
    guard new == nil, let former else { return }
    look(at: .node(former))
    for volume in volumes.keys { look(at: .volume(volume)) }
  }

  /// What a node says: of its storage, and about volumes.
  package func storage(of node: String, _ new: NodeStorage?, _ volumes: [VolumeReport] = []) {
    if storages[node] != new {
      storages[node] = new
      publishStorage(of: nodes.hostname(of: node) ?? node)
      lookAtWaitingClaims()
    }
    // After the storage: what is kept on a node counts as taken there before its PV may go.
    report(volumes, by: node)
  }

  /// What the node of that hostname has, whichever that is now: one that is named anew comes before the former one goes.
  private func publishStorage(of hostname: String) {
    // Before a node is shown its name stands for its hostname.
    let name = nodes.name(of: hostname) ?? (nodes[hostname] == nil ? hostname : nil)
    ledger.publish(name.flatMap { storages[$0] }, of: hostname)
    roomChanged(on: hostname)
  }

  package func claim(_ key: ObjectKey, _ new: PersistentVolumeClaim?) { known(key, new.map(KnownClaim.init)) }

  func known(_ key: ObjectKey, _ known: KnownClaim?) {
    claimIndex.set(key, known)
    guard let new = known?.attention else {
      let wasKnown = claims.removeValue(forKey: key) != nil
      waits[key] = nil
      troubles.end(of: key)
      // What was perhaps written for it is still to be found out.
      if doubts[key] != nil { look(at: .claim(key)) } else if wasKnown { drop(.claim(key)) }
      return
    }
    claims[key] = new
    look(at: .claim(key))
  }

  package func volume(_ name: String, _ new: PersistentVolume?) { known(name, new.flatMap(KnownVolume.init)) }

  func known(_ name: String, _ new: KnownVolume?) {
    let former = ledger.booking(of: name)?.node
    defer { for hostname in Set([former, ledger.booking(of: name)?.node]) { roomChanged(on: hostname) } }
    guard let new else {
      ledger.forget(name)
      volumes[name] = nil
      unrecorded[name] = nil
      drop(.volume(name))
      lookAtWaitingClaims()
      // One that went before it was bound.
      for (key, claim) in claims where claim.volumeToMake == name { look(at: .claim(key)) }
      return
    }
    unrecorded[name] = new.unrecorded
    if new.unrecorded != nil, reports[name] != nil { look(at: .report(name)) }
    ledger.observe(booking(of: new), of: name, uid: new.uid)
    volumes[name] = new.attention?.volume
    guard new.attention != nil else {
      drop(.volume(name))
      return
    }
    look(at: .volume(name))
  }

  /// Call before all PVs are listed.
  package func beginVolumeList() { ledger.beginListing() }

  /// A list that began after ``beginVolumeList()`` is complete.
  package func endVolumeList() {
    ledger.endListing()
    lookAtWaitingClaims()
  }

  func booking(of volume: KnownVolume) -> Booking? {
    guard let node = volume.hostname ?? volume.labelledNode.map(nodes.hostname(for:)), let place = volume.place else {
      return nil
    }
    return Booking(node: node, place: place, size: volume.madeSize, wanted: volume.size)
  }

  func booking(of volume: PersistentVolume) -> Booking? { KnownVolume(volume).flatMap(booking(of:)) }
}

extension PersistentVolumeClaim {
  /// Whether a provisioner of ours may have something to do: there is no volume yet, or a larger one is asked for.
  package var needsAttention: Bool {
    guard !metadata.isBeingDeleted else { return false }
    // While a claim waits for a pod nobody is asked to provision: then it is ours by its class.
    if volumeName.isEmpty {
      return provisioner.map(ClusterNames.provisioners.contains) ?? (className?.isEmpty == false)
    }
    guard let request, let capacity else { return false }
    return request > capacity
  }
}

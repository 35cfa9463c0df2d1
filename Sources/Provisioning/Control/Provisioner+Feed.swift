internal import Controllers
package import KubernetesAPI
package import StorageModel
internal import StorageLedger

// Takes over what lists and watches show. No call sends a request.
extension Provisioner {
  /// Sets a storage class; nil for one that is gone.
  package func storageClass(_ name: String, _ new: StorageClass?) async {
    let isOurs = new.map { ClusterNames.provisioners.contains($0.provisioner) } ?? false
    let known = classes[name]
    classes[name] = isOurs ? new : nil
    guard isOurs || known != nil else { return }
    await freeSpaceChangedEverywhere()
    for (key, claim) in claims where claim.className == name { enqueue(.claim(key)) }
  }

  /// Sets a node's labels; nil for a node that is gone.
  package func node(_ name: String, _ new: StringMap?) async {
    await allocator.node(name, new)
    let former = nodes.hostname(of: name)
    nodes.set(name, new, at: now)
    let hostname = nodes.hostname(of: name)
    // Two nodes with one hostname have no free space, so the change concerns the other node too.
    if hostname != former {
      for changed in [former, hostname] { freeSpaceChanged(on: changed) }
      enqueueNodeLosses()
    }
    guard new == nil, let former else { return }
    enqueue(.node(former))
    for volume in volumes.keys { enqueue(.volume(volume)) }
  }

  /// Sets a node's report: its storage, nil if it reports none any more, and its volumes.
  package func storage(of node: String, _ new: NodeStorage?, _ volumes: [VolumeReport] = []) async {
    if new == nil { reportingNodes.remove(node) } else { reportingNodes.insert(node) }
    await allocator.storage(of: node, new)
    // After the storage: a retained volume has to count there before its PV may be deleted.
    report(volumes, by: node)
  }

  /// Sets a claim; nil for one that is gone.
  package func claim(_ key: ObjectKey, _ new: PersistentVolumeClaim?) { known(key, new.map { KnownClaim($0) }) }

  /// Sets a claim; nil for one that is gone.
  func known(_ key: ObjectKey, _ known: KnownClaim?) {
    claimIndex.set(key, known)
    if known?.attention == nil { keptConflicts.remove(key) }
    if let former = claims[key], former.metadata.uid != known?.attention?.metadata.uid {
      written.remove(former.volumeToMake)
    }
    guard let new = known?.attention else {
      let wasKnown = claims.removeValue(forKey: key) != nil
      waits[key] = nil
      sentRefusals.end(of: key)
      if wasKnown { drop(.claim(key)) }
      return
    }
    claims[key] = new
    enqueue(.claim(key))
  }

  /// Sets a PV; nil for one that is gone.
  package func volume(_ name: String, _ new: PersistentVolume?) async {
    await known(name, new.flatMap(KnownVolume.init))
  }

  /// Sets a PV; nil for one that is gone or not ours.
  func known(_ name: String, _ new: KnownVolume?) async {
    // The allocator first, because the following steps ask it.
    await allocator.volume(name, new?.shown)
    showNodeLoss(of: name, new?.nodeLoss)
    known(kept: name, new?.kept)
    guard let new else {
      volumes[name] = nil
      unrecorded[name] = nil
      recordings[name] = nil
      if creations[name] != nil { creations[name] = true }
      drop(.volume(name))
      // If the PV was deleted before it was bound, its claim needs another.
      written.remove(name)
      for (key, claim) in claims where claim.volumeToMake == name { enqueue(.claim(key)) }
      return
    }
    setUnrecorded(name, new.unrecorded)
    if new.unrecorded != nil, reports[name] != nil { enqueue(.report(name)) }
    volumes[name] = new.attention?.volume
    guard new.attention != nil else {
      drop(.volume(name))
      return
    }
    enqueue(.volume(name))
  }

  /// Call before a list of all PVs is requested.
  package func beginVolumeList() async { await allocator.beginListing() }

  /// Call when a list that began after ``beginVolumeList()`` is complete and ``volume(_:_:)`` has set its PVs.
  package func endVolumeList() async {
    await allocator.endListing()
    // A PV that was created and deleted between two lists is in neither, so its claim is looked at again.
    let doubtful = written
    written = []
    for name in creations.keys { creations[name] = true }
    for (key, claim) in claims where doubtful.contains(claim.volumeToMake) { enqueue(.claim(key)) }
  }
}

extension PersistentVolumeClaim {
  /// Whether the provisioner may have to act: the claim has no volume yet, or requests more than its volume has.
  package var needsAttention: Bool {
    guard !metadata.isBeingDeleted else { return false }
    // While a claim waits for a pod, it names no provisioner. Then its storage class decides.
    if volumeName.isEmpty {
      return provisioner.map(ClusterNames.provisioners.contains) ?? (className?.isEmpty == false)
    }
    guard let request, let capacity else { return false }
    return request > capacity
  }
}

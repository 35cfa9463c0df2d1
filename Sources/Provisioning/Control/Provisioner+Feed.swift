internal import Controllers
package import KubernetesAPI
package import StorageModel
internal import StorageLedger

// What lists and watches show. Nil is an object that is gone.
extension Provisioner {
  package func storageClass(_ name: String, _ new: StorageClass?) async {
    let isOurs = new.map { ClusterNames.provisioners.contains($0.provisioner) } ?? false
    let known = classes[name]
    classes[name] = isOurs ? new : nil
    guard isOurs || known != nil else { return }
    await freeSpaceChangedEverywhere()
    for (key, claim) in claims where claim.className == name { enqueue(.claim(key)) }
  }

  /// A node's labels.
  package func node(_ name: String, _ new: StringMap?) async {
    await allocator.node(name, new)
    let former = nodes.hostname(of: name)
    nodes.set(name, new, at: now)
    let hostname = nodes.hostname(of: name)
    // Another node that has the hostname has no space any more, or has it again.
    if hostname != former {
      for changed in [former, hostname] { freeSpaceChanged(on: changed) }
      enqueueNodeLosses()
    }
    guard new == nil, let former else { return }
    enqueue(.node(former))
    for volume in volumes.keys { enqueue(.volume(volume)) }
  }

  /// What a node says: of its storage, and about volumes.
  package func storage(of node: String, _ new: NodeStorage?, _ volumes: [VolumeReport] = []) async {
    if new == nil { reportingNodes.remove(node) } else { reportingNodes.insert(node) }
    await allocator.storage(of: node, new)
    // After the storage: what is kept on a node counts as taken there before its PV may go.
    report(volumes, by: node)
  }

  package func claim(_ key: ObjectKey, _ new: PersistentVolumeClaim?) { known(key, new.map { KnownClaim($0) }) }

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

  package func volume(_ name: String, _ new: PersistentVolume?) async {
    await known(name, new.flatMap(KnownVolume.init))
  }

  func known(_ name: String, _ new: KnownVolume?) async {
    // First: what follows from it asks the allocator.
    await allocator.volume(name, new?.shown)
    showNodeLoss(of: name, new?.nodeLoss)
    known(kept: name, new?.kept)
    guard let new else {
      volumes[name] = nil
      unrecorded[name] = nil
      drop(.volume(name))
      // One that went before it was bound.
      written.remove(name)
      for (key, claim) in claims where claim.volumeToMake == name { enqueue(.claim(key)) }
      return
    }
    unrecorded[name] = new.unrecorded
    if new.unrecorded != nil, reports[name] != nil { enqueue(.report(name)) }
    volumes[name] = new.attention?.volume
    guard new.attention != nil else {
      drop(.volume(name))
      return
    }
    enqueue(.volume(name))
  }

  /// Call before all PVs are listed.
  package func beginVolumeList() async { await allocator.beginListing() }

  /// A list that began after ``beginVolumeList()`` is complete.
  package func endVolumeList() async {
    await allocator.endListing()
    // One that came and went between two lists is shown by neither.
    let doubtful = written
    written = []
    for (key, claim) in claims where doubtful.contains(claim.volumeToMake) { enqueue(.claim(key)) }
  }
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

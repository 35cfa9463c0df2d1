internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// What the scheduler is told: how much space each node has for volumes of each class, by the ledger itself.
extension Provisioner {
  /// What was written of a node, and when it was written last.
  struct WrittenCapacities: Sendable {
    var capacities: [CapacityPlace: ByteCount] = [:]
    var at: Duration?
  }

  /// Space at a node may have changed.
  func freeSpaceChanged(on hostname: String?) {
    guard let hostname else { return }
    enqueue(.capacity(hostname))
  }

  func freeSpaceChangedEverywhere() async {
    for hostname in await allocator.reportingNodes { freeSpaceChanged(on: hostname) }
  }

  /// Writes what has changed of one node since the last time.
  func process(capacityOf hostname: String) async -> Ending {
    let wanted = await capacities(on: hostname)
    let known = writtenCapacities[hostname] ?? WrittenCapacities()
    if let at = known.at, now - at < configuration.capacityPause, isMerelyLess(wanted, than: known.capacities) {
      return .again(after: at + configuration.capacityPause - now)
    }
    do throws(WriteFailure) {
      for (place, capacity) in wanted where writtenCapacities[hostname]?.capacities[place] != capacity {
        try await writes.writeCapacity(capacity, for: place)
        writtenCapacities[hostname, default: WrittenCapacities()].capacities[place] = capacity
        writtenCapacities[hostname]?.at = now
      }
    } catch {
      count(\.failures)
      logLine("capacity not published yet", ["node": hostname, "reason": error.message], isWarning: true)
      return .failed
    }
    // A class or the node is gone: what was said of it is found and deleted.
    if known.capacities.keys.contains(where: { wanted[$0] == nil }) { enqueue(.capacities) }
    return .done
  }

  /// What changes meanwhile is looked at after this: whatever changes it marks the node's work as stale.
  private func capacities(on hostname: String) async -> [CapacityPlace: ByteCount] {
    guard let node = nodes.name(of: hostname), reportingNodes.contains(node) else { return [:] }
    let isAmbiguous = ambiguity(of: hostname) != nil
    let classes = classes
    let free = await allocator.freeSpaces(on: hostname, at: Set(classes.values.compactMap(\.place)))
    var capacities: [CapacityPlace: ByteCount] = [:]
    for (name, storageClass) in classes {
      let place = CapacityPlace(node: node, hostname: hostname, storageClass: name)
      capacities[place] = isAmbiguous ? .zero : storageClass.place.flatMap { free[$0] } ?? .zero
    }
    return capacities
  }

  /// Whether space is all that has changed, and has become less. More of it, and a new class, are waited for by pods that the
  /// scheduler would look at again only after a minute. With many claims at once each of them would otherwise cost a
  /// request.
  private func isMerelyLess(_ wanted: [CapacityPlace: ByteCount], than known: [CapacityPlace: ByteCount]) -> Bool {
    Set(wanted.keys) == Set(known.keys) && wanted != known && wanted.allSatisfy { $0.value <= known[$0.key] ?? .zero }
  }

  /// Reads what is written, takes back what is not true of any node and class, and writes what is missing. At first,
  /// and now and then: somebody may have changed it.
  func processCapacities() async -> Ending {
    do throws(WriteFailure) {
      let found = try await writes.capacities()
      var known: [String: WrittenCapacities] = [:]
      for object in found {
        guard let place = place(of: object) else {
          try await writes.delete(object)
          continue
        }
        known[place.hostname, default: WrittenCapacities()].capacities[place] = object.capacity?.byteCount
      }
      for (hostname, former) in writtenCapacities where known[hostname] != nil { known[hostname]?.at = former.at }
      writtenCapacities = known
      await freeSpaceChangedEverywhere()
      return .again(after: configuration.capacityInterval)
    } catch {
      logLine("capacities cannot be read yet", ["reason": error.message], isWarning: true)
      return .failed
    }
  }

  private func place(of object: CSIStorageCapacity) -> CapacityPlace? {
    guard classes[object.storageClassName] != nil, let hostname = object.nodeLabels[ClusterNames.hostnameLabel],
      let node = nodes.name(of: hostname), reportingNodes.contains(node)
    else { return nil }
    let place = CapacityPlace(node: node, hostname: hostname, storageClass: object.storageClassName)
    return place.isSaid(by: object) ? place : nil
  }
}

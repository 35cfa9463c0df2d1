internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// Tells the scheduler the free space of each node for each storage class, as the ledger has it.
extension Provisioner {
  /// The written free space of a node, and when it was last written.
  struct WrittenCapacities: Sendable {
    var capacities: [CapacityPlace: ByteCount] = [:]
    var at: Duration?
  }

  /// Schedules a write, because the free space of a node may have changed.
  func freeSpaceChanged(on hostname: String?) {
    guard let hostname else { return }
    enqueue(.capacity(hostname))
  }

  func freeSpaceChangedEverywhere() async {
    for hostname in await allocator.reportingNodes { freeSpaceChanged(on: hostname) }
  }

  /// Writes the free space of a node where it differs from the written one. Waits for the API server.
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
    // A class or the node is gone. The next look at all objects deletes its objects.
    if known.capacities.keys.contains(where: { wanted[$0] == nil }) { enqueue(.capacities) }
    return .done
  }

  /// The free space of a node for each storage class. Each change of it schedules another look, so a change during this
  /// call is not lost.
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

  /// Whether the only change is less free space. Such a change is written after a pause, so that many claims at once do
  /// not cost a request each. More free space and a new class are written at once: pods may wait for them, and the
  /// scheduler would otherwise look at these pods only after a minute.
  private func isMerelyLess(_ wanted: [CapacityPlace: ByteCount], than known: [CapacityPlace: ByteCount]) -> Bool {
    Set(wanted.keys) == Set(known.keys) && wanted != known && wanted.allSatisfy { $0.value <= known[$0.key] ?? .zero }
  }

  /// Lists the objects, deletes those without a node or class, and schedules writes where something is missing. Runs at
  /// the start, and then regularly, because another client may have changed them.
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

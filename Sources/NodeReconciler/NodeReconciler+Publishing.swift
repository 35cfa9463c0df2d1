internal import KubernetesAPI
internal import LogicalVolumes
internal import NodeService
internal import StorageLedger
internal import StorageModel
internal import Telemetry

extension NodeReconciler {
  func publish() async -> WorkQueue<Work>.Ending {
    if now - (refreshedAt ?? now) >= settings.refreshInterval { published = nil }
    if published == nil { refreshedAt = now }
    let ending = await publishNow(isPatient: true)
    guard case .settled = ending else { return ending }
    return .again(after: settings.publishInterval)
  }

  /// Publishes what has changed since the last time.
  ///
  /// - Parameter isPatient: whether room that has become less may wait until the pause is over.
  func publishNow(isPatient: Bool = false) async -> WorkQueue<Work>.Ending {
    do throws(VolumeError) {
      let storage = try await storage()
      let rooms = rooms(storage)
      if isPatient, let publishedAt, now - publishedAt < settings.publishPause, isMerelyLess(storage, rooms) {
        return .again(after: publishedAt + settings.publishPause - now)
      }
      do throws(APIError) {
        try await send(storage, rooms)
        return .settled
      } catch {
        log.warning("storage not published", ["reason": error.description])
      }
    } catch {
      log.warning("storage can not be read", ["reason": error.message])
    }
    return .failed
  }

  private func storage() async throws(VolumeError) -> NodeStorage {
    var pairs: [(volume: StoredVolume, size: ByteCount)] = []
    for pv in volumes.values where isPinnedHere(pv) {
      if let volume = try await volume(of: pv) { pairs.append((volume, pv.size)) }
    }
    let figures = StorageFigures(
      node: settings.node, groups: try await keeper.capacity(), isThinByDefault: settings.isThinByDefault)
    return figures.storage(pairs)
  }

  /// The PV's volume; nil when there is none, and while a group that may have it cannot be read: what is taken there is
  /// taken by anybody.
  private func volume(of pv: PersistentVolume) async throws(VolumeError) -> StoredVolume? {
    // A name that no volume can have has no volume.
    guard let name = try? VolumeName(pv.metadata.name) else { return nil }
    do throws(VolumeError) {
      return try await keeper.volume(name)
    } catch {
      guard error.code == .unavailable else { throw error }
      return nil
    }
  }

  private func isPinnedHere(_ pv: PersistentVolume) -> Bool {
    pv.isOurs && (pv.hostname == nil || pv.hostname == settings.hostname)
  }

  /// What is left for each class, by the ledger's own arithmetic.
  private func rooms(_ storage: NodeStorage) -> [String: ByteCount] {
    var ledger = Ledger()
    ledger.publish(storage, of: settings.hostname)
    for pv in volumes.values where isPinnedHere(pv) {
      let booking = Booking(node: settings.hostname, place: pv.place, size: pv.size)
      ledger.observe(booking, of: pv.metadata.name, uid: pv.metadata.uid)
    }
    return classes.mapValues { ledger.room(on: settings.hostname, at: $0.place) }
  }

  /// Whether room is all that has changed, and has become less. More of it, and a new class, are waited for by pods that the
  /// scheduler would look at again only after a minute.
  private func isMerelyLess(_ storage: NodeStorage, _ rooms: [String: ByteCount]) -> Bool {
    guard let published, published.storage == storage, published.withdrawn == Set(rooms.keys) else { return false }
    return rooms != published.rooms && rooms.allSatisfy { $0.value <= published.rooms[$0.key] ?? .zero }
  }

  private func send(_ storage: NodeStorage, _ rooms: [String: ByteCount]) async throws(APIError) {
    if published?.storage != storage {
      try await writes.publish(storage)
      published = Published(storage: storage, rooms: published?.rooms ?? [:], withdrawn: published?.withdrawn)
    }
    for (name, room) in rooms where published?.rooms[name] != room {
      try await writes.publish(room, storageClass: name, hostname: settings.hostname)
      published?.rooms[name] = room
      publishedAt = now
    }
    if Set(rooms.keys) != published?.withdrawn {
      try await writes.withdrawCapacity(except: Set(rooms.keys))
      published?.rooms = rooms
      published?.withdrawn = Set(rooms.keys)
    }
  }

  /// Volumes of ours without a PV are reported, never removed.
  func lookForOrphans() async -> WorkQueue<Work>.Ending {
    do throws(VolumeError) {
      var orphans: [VolumeName] = []
      for volume in try await keeper.volumes() where volumes[volume.name.text] == nil {
        // A PV whose label was altered is not in the watch, and still is a PV.
        if try await hasNoPV(volume.name) { orphans.append(volume.name) }
      }
      let known = Set(knowledge.orphans ?? [])
      knowledge.setOrphans(orphans)
      for name in orphans where !known.contains(name) { tellOfOrphan(name) }
    } catch {
      log.warning("orphans not known", ["reason": error.message])
      return .failed
    }
    return .again(after: settings.orphanInterval)
  }

  private func hasNoPV(_ name: VolumeName) async throws(VolumeError) -> Bool {
    do throws(APIError) {
      return try await writes.volume(name.text) == nil
    } catch {
      throw VolumeError(.unavailable, error.description, cause: error)
    }
  }

  private func tellOfOrphan(_ name: VolumeName) {
    log.warning("volume has no PV", ["volume": name.text])
    let node = ObjectReference(apiVersion: "v1", kind: "Node", name: settings.node, uid: settings.node)
    writes.tell(
      node, isWarning: true, reason: "OrphanedVolume",
      "volume \(name) on node \(settings.node) has no PV; it is kept. If it is not wanted, remove it there with "
        + "elastic-local-node remove \(name)")
  }
}

internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// Claims that wait for room. All of them are looked at together, and not more than once a second: room that becomes free costs
// the same with four claims and with four thousand.
extension Provisioner {
  /// What a claim waits for.
  struct Wait: Sendable {
    var need: Need
    /// Nobody has room for it, as far as was seen.
    var isShort: Bool

    enum Need: Hashable, Sendable {
      /// A pod that uses it, which the scheduler places only where there is room.
      case firstConsumer(VolumeWish)
      /// Room on any node.
      case anyNode(VolumeWish)
      /// Room beside its own volume.
      case growth(volume: String, to: ByteCount)
    }
  }

  func wait(_ claim: ObjectKey, for need: Wait.Need) {
    // Whether a claim without a pod fits anywhere is not known yet.
    let isShort = if case .firstConsumer = need { waits[claim]?.isShort ?? false } else { true }
    waits[claim] = Wait(need: need, isShort: isShort)
    lookAtWaitingClaims()
  }

  func lookForRoom() async -> Ending {
    // What changes while they are looked at would have them looked at again at once.
    if let last = roomLookedAt, now - last < configuration.roomPause {
      return .again(after: last + configuration.roomPause - now)
    }
    roomLookedAt = now
    let looked = waits
    let view = await roomView(for: looked.values.map(\.need))
    var told = 0
    // A wait that has changed since is looked at by whoever has changed it.
    for (key, wait) in looked where waits[key]?.need == wait.need {
      let refusal = view.refusal(of: wait.need)
      waits[key]?.isShort = refusal != nil
      if let refusal {
        if told < configuration.toldAtOnce, let claim = claims[key], refuse(claim, refusal) { told += 1 }
      } else if case .firstConsumer = wait.need {
        continue
      } else {
        look(at: .claim(key))
      }
    }
    summarize()
    if waits.isEmpty { return .settled }
    return .again(after: told < configuration.toldAtOnce ? configuration.roomInterval : configuration.roomPause)
  }

  /// Why no node can have the volume; nil when one can, as far as is known. What is given out is decided by the allocator.
  func refusal(of wish: VolumeWish) async -> Refusal? {
    await roomView(for: [.anyNode(wish)]).refusal(of: .anyNode(wish))
  }

  /// The room that these needs are about.
  private func roomView(for needs: [Wait.Need]) async -> RoomView {
    var growths: [String: ByteCount] = [:]
    var reaches: Set<RoomView.Reach> = []
    for need in needs {
      switch need {
      case .firstConsumer(let wish), .anyNode(let wish): reaches.insert(RoomView.Reach(wish))
      case .growth(let volume, let size): growths[volume] = size
      }
    }
    let rooms = await allocator.rooms(at: Set(reaches.map(\.place)))
    let shortages = await allocator.shortages(ofGrowing: growths)
    let largest = reaches.map { reach in (reach, largestRoom(reach, in: rooms[reach.place] ?? [:])) }
    return RoomView(largest: Dictionary(uniqueKeysWithValues: largest), shortages: shortages)
  }

  private func largestRoom(_ reach: RoomView.Reach, in rooms: [String: ByteCount]) -> RoomView.Largest? {
    var largest: RoomView.Largest?
    for (hostname, size) in rooms.sorted(by: { $0.key < $1.key }) where allows(hostname, reach.topologies) {
      if largest.map({ size > $0.size }) ?? true { largest = RoomView.Largest(size: size, node: hostname) }
    }
    return largest
  }

  private func allows(_ hostname: String, _ topologies: [StorageClass.TopologyTerm]) -> Bool {
    topologies.isEmpty || nodes.name(of: hostname).flatMap { nodes[$0] }.map(topologies.allow) ?? false
  }

  /// One line for all of them, when their number has changed.
  private func summarize() {
    let count = claimsWithoutRoom
    guard count != summary.claims, summary.at.map({ now - $0 >= configuration.roomInterval }) ?? true else { return }
    summary = (count, now)
    logLine("claims that no node has room for", ["claims": "\(count)"], isWarning: count > 0)
  }

  var claimsWithoutRoom: Int { waits.values.count { $0.isShort } }
}

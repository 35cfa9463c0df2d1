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

  func lookForRoom() -> WorkQueue<Work>.Ending {
    var rooms: [Reach: LargestRoom?] = [:]
    var told = 0
    for (key, wait) in waits {
      let refusal = refusal(of: wait.need, &rooms)
      waits[key]?.isShort = refusal != nil
      if let refusal {
        if told < settings.toldAtOnce, let claim = claims[key], refuse(claim, refusal) { told += 1 }
      } else if case .firstConsumer = wait.need {
        continue
      } else {
        look(at: .claim(key))
      }
    }
    summarize()
    if waits.isEmpty { return .settled }
    return .again(after: told < settings.toldAtOnce ? settings.roomInterval : settings.roomPause)
  }

  /// Where a volume may be.
  private struct Reach: Hashable {
    var place: DeviceClass
    var topologies: [StorageClass.TopologyTerm]

    init(_ wish: VolumeWish) {
      place = wish.parameters.place
      topologies = wish.allowedTopologies
    }
  }

  private struct LargestRoom {
    var size: ByteCount
    var node: String
  }

  private func refusal(of need: Wait.Need, _ rooms: inout [Reach: LargestRoom?]) -> Refusal? {
    switch need {
    case .firstConsumer(let wish), .anyNode(let wish):
      let reach = Reach(wish)
      let largest = rooms[reach] ?? largestRoom(reach)
      rooms[reach] = .some(largest)
      return refusal(wish, largest)
    case .growth(let volume, let size): return refusal(growthOf: volume, to: size)
    }
  }

  private func largestRoom(_ reach: Reach) -> LargestRoom? {
    var largest: LargestRoom?
    for hostname in ledger.publishedNodes where allows(hostname, reach.topologies) {
      let size = ledger.room(on: hostname, at: reach.place)
      if largest.map({ size > $0.size }) ?? true { largest = LargestRoom(size: size, node: hostname) }
    }
    return largest
  }

  private func allows(_ hostname: String, _ topologies: [StorageClass.TopologyTerm]) -> Bool {
    topologies.isEmpty || nodes.name(of: hostname).flatMap { nodes[$0] }.map(topologies.allow) ?? false
  }

  private func refusal(_ wish: VolumeWish, _ largest: LargestRoom?) -> Refusal? {
    let nodes = wish.allowedTopologies.isEmpty ? "no node" : "no node of the class's allowedTopologies"
    guard let largest else { return Refusal(.insufficientStorage, "\(nodes) has published its storage yet") }
    guard largest.size < wish.size else { return nil }
    return Refusal(
      .insufficientStorage,
      "\(nodes) has \(wish.size) free; the most that one has is \(largest.size), on node \(largest.node)")
  }

  /// Why no node can have the volume; nil when one can.
  func refusal(of wish: VolumeWish) -> Refusal? { refusal(wish, largestRoom(Reach(wish))) }

  /// One line for all of them, when their number has changed.
  private func summarize() {
    let count = claimsWithoutRoom
    guard count != summary.claims, summary.at.map({ now - $0 >= settings.roomInterval }) ?? true else { return }
    summary = (count, now)
    note("claims that no node has room for", ["claims": "\(count)"], isWarning: count > 0)
  }

  var claimsWithoutRoom: Int { waits.values.count { $0.isShort } }
}

internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// Claims that wait for space. All of them are looked at together, and not more than once a second: space that becomes free costs
// the same with four claims and with four thousand.
extension Provisioner {
  /// What a claim waits for.
  struct Wait: Sendable {
    var need: Need
    /// Nobody has space for it, as far as was seen.
    var isShort: Bool

    enum Need: Hashable, Sendable {
      /// A pod that uses it, which the scheduler places only where there is space.
      case firstConsumer(VolumeWish)
      /// Space on any node.
      case anyNode(VolumeWish)
      /// Space beside its own volume.
      case growth(volume: String, to: ByteCount)
    }
  }

  func wait(_ claim: ObjectKey, for need: Wait.Need) {
    // Whether a claim without a pod fits anywhere is not known yet.
    let isShort = if case .firstConsumer = need { waits[claim]?.isShort ?? false } else { true }
    waits[claim] = Wait(need: need, isShort: isShort)
    enqueueWaitingClaims()
  }

  func checkWaitingClaims() async -> Ending {
    // What changes while they are looked at would have them looked at again at once.
    if let last = waitingClaimsCheckedAt, now - last < configuration.waitingClaimsPause {
      return .again(after: last + configuration.waitingClaimsPause - now)
    }
    waitingClaimsCheckedAt = now
    let looked = waits
    let view = await freeSpaceView(for: looked.values.map(\.need))
    var sent = 0
    // A wait that has changed since is looked at by whoever has changed it.
    for (key, wait) in looked where waits[key]?.need == wait.need {
      let refusal = view.refusal(of: wait.need)
      waits[key]?.isShort = refusal != nil
      if let refusal {
        if sent < configuration.eventsPerCheck, let claim = claims[key], refuse(claim, refusal) { sent += 1 }
      } else if case .firstConsumer = wait.need {
        continue
      } else {
        enqueue(.claim(key))
      }
    }
    summarize()
    if waits.isEmpty { return .done }
    return .again(
      after: sent < configuration.eventsPerCheck
        ? configuration.waitingClaimsInterval : configuration.waitingClaimsPause)
  }

  /// Why no node can have the volume; nil when one can, as far as is known. What is given out is decided by the allocator.
  func refusal(of wish: VolumeWish) async -> Refusal? {
    await freeSpaceView(for: [.anyNode(wish)]).refusal(of: .anyNode(wish))
  }

  /// The space that these needs are about.
  private func freeSpaceView(for needs: [Wait.Need]) async -> FreeSpaceView {
    var growths: [String: ByteCount] = [:]
    var reaches: Set<FreeSpaceView.Reach> = []
    for need in needs {
      switch need {
      case .firstConsumer(let wish), .anyNode(let wish): reaches.insert(FreeSpaceView.Reach(wish))
      case .growth(let volume, let size): growths[volume] = size
      }
    }
    let freeSpaces = await allocator.freeSpaces(at: Set(reaches.map(\.place)))
    let shortages = await allocator.shortages(ofGrowing: growths)
    let largest = reaches.map { reach in (reach, largestFreeSpace(reach, in: freeSpaces[reach.place] ?? [:])) }
    return FreeSpaceView(largest: Dictionary(uniqueKeysWithValues: largest), shortages: shortages)
  }

  private func largestFreeSpace(_ reach: FreeSpaceView.Reach, in freeSpaces: [String: ByteCount]) -> FreeSpaceView
    .Largest?
  {
    var largest: FreeSpaceView.Largest?
    for (hostname, size) in freeSpaces.sorted(by: { $0.key < $1.key }) where allows(hostname, reach.topologies) {
      if largest.map({ size > $0.size }) ?? true { largest = FreeSpaceView.Largest(size: size, node: hostname) }
    }
    return largest
  }

  private func allows(_ hostname: String, _ topologies: [StorageClass.TopologyTerm]) -> Bool {
    topologies.isEmpty || nodes.name(of: hostname).flatMap { nodes[$0] }.map(topologies.allow) ?? false
  }

  /// One line for all of them, when their number has changed.
  private func summarize() {
    let count = claimsWithoutSpace
    guard count != summary.claims, summary.at.map({ now - $0 >= configuration.waitingClaimsInterval }) ?? true else {
      return
    }
    summary = (count, now)
    logLine("claims that no node has room for", ["claims": "\(count)"], isWarning: count > 0)
  }

  var claimsWithoutSpace: Int { waits.values.count { $0.isShort } }
}

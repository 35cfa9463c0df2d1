internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

// Claims that wait for free space. One look checks all of them, at most once a second. So a change of free space costs
// the same with four claims and with four thousand.
extension Provisioner {
  /// The reason why a claim waits.
  struct Wait: Sendable {
    /// What the claim waits for.
    var need: Need
    /// Whether no node had enough free space at the last look.
    var isShort: Bool

    /// What a claim waits for.
    enum Need: Hashable, Sendable {
      /// A pod that uses the claim. The scheduler places such a pod only where there is enough free space.
      case firstConsumer(VolumeWish)
      /// Free space on any node.
      case anyNode(VolumeWish)
      /// Free space on the volume's node, to grow the volume to this size.
      case growth(volume: String, to: ByteCount)
    }
  }

  /// Records that a claim waits, and schedules a look at all waiting claims.
  func wait(_ claim: ObjectKey, for need: Wait.Need) {
    // For a claim without a pod, the next look finds out whether it fits on any node.
    let isShort = if case .firstConsumer = need { waits[claim]?.isShort ?? false } else { true }
    waits[claim] = Wait(need: need, isShort: isShort)
    enqueueWaitingClaims()
  }

  /// Looks at all waiting claims: sends an Event where no node has enough free space, and retries the others. Sends no
  /// other request.
  func checkWaitingClaims() async -> Ending {
    // Without this pause, a change during a look would start the next look at once.
    if let last = waitingClaimsCheckedAt, now - last < configuration.waitingClaimsPause {
      return .again(after: last + configuration.waitingClaimsPause - now)
    }
    waitingClaimsCheckedAt = now
    let looked = waits
    let view = await freeSpaceView(for: looked.values.map(\.need))
    var sent = 0
    // A wait that has changed meanwhile has scheduled another look.
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

  /// Why no node can take the volume; nil if one can. Reserves nothing: only the allocator decides.
  func refusal(of wish: VolumeWish) async -> Refusal? {
    await freeSpaceView(for: [.anyNode(wish)]).refusal(of: .anyNode(wish))
  }

  /// The present free space for these needs.
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

  /// Logs the number of claims without space, if it has changed.
  private func summarize() {
    let count = claimsWithoutSpace
    guard count != summary.claims, summary.at.map({ now - $0 >= configuration.waitingClaimsInterval }) ?? true else {
      return
    }
    summary = (count, now)
    logLine("claims without free space counted", ["claims": "\(count)"], isWarning: count > 0)
  }

  /// The number of claims for which no node had enough free space at the last look.
  var claimsWithoutSpace: Int { waits.values.count { $0.isShort } }
}

package import KubernetesAPI
internal import StorageModel

/// Gives claims their volumes: the one place in a cluster that hands out room.
///
/// It is fed with what lists and watches show (``claim(_:_:)``, ``volume(_:_:)``, …), and ``run()`` does what follows from it,
/// several objects at a time and each by itself. All that it knows can be read again from the API server, so a new leader
/// begins with an empty one.
package actor Provisioner {
  let writes: any ClusterWrites
  let settings: Settings
  private let time: any Timekeeper
  private let log: @Sendable (Line) -> Void

  var ledger = Ledger()
  var claims: [ObjectKey: PersistentVolumeClaim] = [:]
  /// PVs that something is to be done about; the others are in the ledger only.
  var volumes: [String: PersistentVolume] = [:]
  var classes: [String: StorageClass] = [:]
  var nodes = NodeIndex()
  var storages: [String: NodeStorage] = [:]
  /// Claims that no node, or not theirs, has room for.
  var waitingForRoom: Set<ObjectKey> = []
  /// PVs that were perhaps written for a claim.
  var doubts: [ObjectKey: Set<String>] = [:]
  private(set) var figures = Figures()

  private var queue: WorkQueue<Work>
  private var isSynced = false
  private let signals: AsyncStream<Void>
  private let signal: AsyncStream<Void>.Continuation
  private var timer: Task<Void, Never>?

  package struct Settings: Sendable {
    /// How many objects are worked on at a time.
    package var parallelism: Int
    /// How long a node's object must be gone before its volumes are given up.
    package var nodeGrace: Duration
    package var backoff: WorkQueue<Work>.Backoff
    /// How often a claim that waits for room is looked at without being asked.
    package var roomInterval = Duration.seconds(60)

    package init(
      parallelism: Int = 16, nodeGrace: Duration = .seconds(3600),
      backoff: WorkQueue<Work>.Backoff = .init()
    ) {
      self.parallelism = parallelism
      self.nodeGrace = nodeGrace
      self.backoff = backoff
    }
  }

  /// What is worked on, one at a time of each.
  package enum Work: Hashable, Sendable {
    case claim(ObjectKey)
    case volume(String)
    /// A node that may be gone, by hostname.
    case node(String)
  }

  /// A line of the log: a stable message, and what it is about.
  package struct Line: Sendable {
    package var isWarning = false
    package var message: String
    package var values: [String: String]
  }

  package init(
    writes: any ClusterWrites, settings: Settings, time: any Timekeeper = SystemTimekeeper(),
    log: @escaping @Sendable (Line) -> Void
  ) {
    self.writes = writes
    self.settings = settings
    self.time = time
    self.log = log
    queue = WorkQueue(backoff: settings.backoff)
    (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Works until the task is cancelled, and returns when the last piece of work has ended.
  package func run() async {
    let signals = signals
    await withDiscardingTaskGroup { group in
      startDue(in: &group)
      for await _ in signals { startDue(in: &group) }
    }
    timer?.cancel()
  }

  /// Everything has been listed once: from now on what is not known does not exist.
  package func becomeSynced() {
    isSynced = true
    for hostname in ledger.nodesWithVolumes where !nodes.has(hostname) { look(at: .node(hostname)) }
    signal.yield()
  }

  private func startDue(in group: inout DiscardingTaskGroup) {
    guard isSynced, !Task.isCancelled else { return }
    while queue.running < settings.parallelism, let work = queue.next(at: time.now) {
      group.addTask { await self.perform(work) }
    }
    timer?.cancel()
    guard queue.running < settings.parallelism, let due = queue.nextDue() else { return }
    let (time, signal) = (time, signal)
    timer = Task {
      // Cancelled means that another timer has taken its place.
      do { try await time.sleep(until: due) } catch { return }
      signal.yield()
    }
  }

  private func perform(_ work: Work) async {
    let began = time.now
    let ending =
      switch work {
      case .claim(let key): await process(claim: key)
      case .volume(let name): await process(volume: name)
      case .node(let hostname): await process(node: hostname)
      }
    if case .claim = work { figures.claimSeconds.record(time.now - began) }
    queue.finish(work, ending, at: time.now, chance: time.random())
    signal.yield()
  }

  // MARK: For the parts

  var now: Duration { time.now }

  func look(at work: Work) {
    queue.add(work, at: time.now)
    signal.yield()
  }

  func drop(_ work: Work) { queue.remove(work) }

  func note(_ message: String, _ values: [String: String], isWarning: Bool = false) {
    log(Line(isWarning: isWarning, message: message, values: values))
  }

  func count(_ counter: WritableKeyPath<Figures, Int>) { figures[keyPath: counter] += 1 }

  /// Room has become free somewhere.
  func lookAtWaitingClaims() {
    for key in waitingForRoom { look(at: .claim(key)) }
  }

  /// For metrics and status.
  package var snapshot: Snapshot {
    Snapshot(
      figures: figures, waiting: queue.waiting, running: queue.running, claimsWithoutRoom: waitingForRoom.count,
      bookings: ledger.count, publishedNodes: ledger.publishedNodes.count, isSynced: isSynced)
  }
}

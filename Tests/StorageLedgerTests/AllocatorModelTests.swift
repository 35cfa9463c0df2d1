import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import StorageLedger

@Suite("Allocator against a model")
struct AllocatorModelTests {
  @Test(
    "with two clients, lost and late answers and requests, refusals, late watches, new lists and leaders, no node is promised more than it has, each outcome is true, and no space is lost",
    arguments: 0..<40)
  func neverOverbooked(seed: UInt64) {
    var world = World(seed: seed)
    for step in 0..<5000 {
      world.step()
      for (node, bytes) in world.taken where bytes > .gibibytes(World.capacity) {
        Issue.record("seed \(seed), step \(step): \(bytes) on node \(node)")
        return
      }
      for lie in world.lies { Issue.record("seed \(seed), step \(step): \(lie)") }
      world.lies = []
    }
    #expect(world.leaks() == [], "seed \(seed)")
    #expect(world.outcomes.count == 6, "seed \(seed): a test in which not all happens shows little: \(world.outcomes)")
  }
}

/// An API server that knows the truth; requests to it, each of which is carried out, answered and lost when the dice say so; a
/// watch that may be late and may have to begin anew; and two controllers that create PVs, also under the same names.
///
/// A request whose answer was lost is carried out within the time that an API server allows, or never. A leader that ends has
/// its answers before the next one begins.
private struct World {
  static let capacity: UInt64 = 4
  static let serverLimit = Duration.seconds(60)

  private let nodes = ["a", "b"]
  private let owners = ["claims", "pools"]
  private let executor = SteppedExecutor()
  private let time = ManualTime()
  private var random: Dice
  private var leader: Leader

  private var volumes: [String: PersistentVolume] = [:]
  private var events: [(name: String, volume: PersistentVolume?)] = []
  /// The API server's answer to a list that has not been read to its end.
  private var listed: [String: PersistentVolume]?
  private var known: Set<String> = []
  private var count = 0
  private var requests: [Request] = []
  /// What each client wants by now, by client and name.
  private var wishes: [String: (node: String, gibibytes: UInt64)] = [:]

  /// Outcomes that were not true.
  var lies: [String] = []
  /// How often each outcome came.
  var outcomes: [String: Int] = [:]

  private struct Leader {
    let writes = HeldWrites()
    let allocator: Allocator
    let calls = Calls()

    init(_ time: ManualTime) { allocator = Allocator(writes: writes, time: time) }
  }

  /// What the clients have asked for, and what they were told.
  private final class Calls: Sendable {
    let state = Mutex((open: Set<String>(), ended: [(call: String, owner: String, outcome: Allocation)]()))
  }

  private struct Request {
    /// Nil when its answer was lost.
    var number: Int?
    var content: HeldWrites.Request
    var sentAt: Duration
    /// Nil before it is carried out.
    var answer: HeldWrites.Answer?
  }

  init(seed: UInt64) {
    random = Dice(seed: seed)
    leader = Leader(time)
    begin()
  }

  /// By what the API server has.
  var taken: [String: ByteCount] {
    volumes.values.reduce(into: [:]) {
      $0[$1.hostname ?? "", default: .zero] = ($0[$1.hostname ?? ""] ?? .zero) + $1.size
    }
  }

  mutating func step() {
    switch random.next() % 24 {
    case 0...4: ask()
    case 5: find()
    case 6...9: carryOut()
    case 10...13: answer()
    case 14: if random.next() % 2 == 0 { lose() }
    case 15: advance(by: .seconds(Int64(1 + random.next() % 20)))
    case 16, 17: remove()
    case 18...20: watch(Int(random.next() % 4))
    case 21: list()
    case 22: settle()
    default: if random.next() % 16 == 0 { change() } else { advance(by: .seconds(1)) }
    }
    collect()
  }

  // MARK: the clients

  /// Each client asks for a name when it has its last answer, mostly for the same again; some names both of them want.
  private mutating func ask() {
    let owner = random.pick(owners)
    let name = random.next() % 3 == 0 ? "shared" : "\(owner)-\(random.next() % 2)"
    let call = "\(owner) \(name)"
    let calls = leader.calls
    guard calls.state.withLock({ $0.open.insert(call).inserted }) else { return }
    if wishes[call] == nil || random.next() % 8 == 0 { wishes[call] = (random.pick(nodes), 2 + random.next() % 2) }
    let (node, gibibytes) = wishes[call] ?? ("a", 2)
    let allocator = leader.allocator
    let volume = Samples.volume(name, on: node, gibibytes: gibibytes, owner: owner)
    executor.start {
      let booking = Booking(node: node, size: .gibibytes(gibibytes))
      let outcome = await allocator.create(volume, as: booking) { $0.owner == owner }
      calls.state.withLock { state in
        state.open.remove(call)
        state.ended.append((call, owner, outcome))
      }
    }
  }

  private mutating func find() {
    guard let name = wishes.keys.sorted().randomElement(using: &random)?.split(separator: " ").last.map(String.init)
    else { return }
    let (calls, owner, allocator) = (leader.calls, random.pick(owners), leader.allocator)
    executor.start {
      guard let outcome = await allocator.find(name, isOurs: { $0.owner == owner }) else { return }
      calls.state.withLock { $0.ended.append(("find \(name)", owner, outcome)) }
    }
  }

  private mutating func collect() {
    let ended = leader.calls.state.withLock { state in
      defer { state.ended = [] }
      return state.ended
    }
    for (call, owner, outcome) in ended {
      let (kind, isTrue) =
        switch outcome {
        case .created(let volume): ("created", volume.owner == owner)
        case .adopted(let volume): ("adopted", volume.owner == owner)
        case .foreign(let volume): ("foreign", volume.owner != owner)
        case .notEnoughSpace: ("noRoom", true)
        case .refused: ("refused", !mayStillBeWritten(call, owner))
        case .unsettled: ("unsettled", true)
        }
      outcomes[kind, default: 0] += 1
      if !isTrue { lies.append("\(call) was told \(outcome)") }
    }
  }

  private func mayStillBeWritten(_ call: String, _ owner: String) -> Bool {
    requests.contains { request in
      guard case .create(let volume) = request.content, request.answer == nil else { return false }
      return volume.owner == owner && "\(owner) \(volume.metadata.name)" == call
    }
  }

  /// The allocator's own part, which ``Allocator/run()`` does at its time.
  private mutating func settle() {
    let allocator = leader.allocator
    for name in (executor.value { await allocator.doubts.keys.sorted() }) ?? [] {
      executor.start { _ = await allocator.resolveDoubt(name) }
    }
  }

  // MARK: the API server and the way to it

  /// Records what was sent since.
  private mutating func accept() {
    let numbers = Set(requests.compactMap(\.number))
    for (number, content) in leader.writes.waiting where !numbers.contains(number) {
      requests.append(Request(number: number, content: content, sentAt: time.now))
    }
  }

  private mutating func some(_ isMeant: (Request) -> Bool) -> Int? {
    accept()
    return requests.indices.filter { isMeant(requests[$0]) }.randomElement(using: &random)
  }

  private mutating func carryOut() {
    // What was lost on the way comes late.
    let isLate = random.next() % 8 == 0
    if let index = some({ $0.answer == nil && ($0.number == nil) == isLate }) { carryOut(index) }
  }

  private mutating func carryOut(_ index: Int) {
    switch requests[index].content {
    case .read(let name): requests[index].answer = .success(volumes[name])
    case .create(let volume):
      let name = volume.metadata.name
      if random.next() % 6 == 0 {
        requests[index].answer = .failure(WriteFailure(.rejected, "quota"))
      } else if volumes[name] != nil {
        requests[index].answer = .failure(WriteFailure(.exists, "exists"))
      } else {
        count += 1
        var created = volume
        created.metadata.uid = "\(count)"
        set(name, created)
        requests[index].answer = .success(created)
      }
    }
    if requests[index].number == nil { requests.remove(at: index) }
  }

  private mutating func answer() {
    if let index = some({ $0.answer != nil }) { answer(index) }
  }

  private mutating func answer(_ index: Int) {
    let request = requests.remove(at: index)
    if let number = request.number, let answer = request.answer { leader.writes.answer(number, answer) }
    executor.run()
  }

  /// The client learns nothing; what was not carried out may still be.
  private mutating func lose() {
    if let index = some({ $0.number != nil }) { lose(index) }
  }

  private mutating func lose(_ index: Int) {
    guard let number = requests[index].number else { return }
    requests[index].number = nil
    if case .create = requests[index].content, requests[index].answer == nil {
      // Goes on its way.
    } else {
      requests.remove(at: index)
    }
    leader.writes.answer(number, .failure(WriteFailure(.unknown, "timed out")))
    executor.run()
  }

  private mutating func advance(by duration: Duration) {
    accept()
    time.advance(by: duration)
    // Beyond its limit the API server carries out nothing, and the client waits no longer.
    while let index = requests.firstIndex(where: { time.now - $0.sentAt >= Self.serverLimit }) {
      if requests[index].number != nil {
        // Carried out at the last moment or never, and then lost.
        if requests[index].answer == nil, random.next() % 2 == 0 { carryOut(index) }
        if requests[index].answer == nil { requests[index].answer = .failure(WriteFailure(.rejected, "too late")) }
        lose(index)
      } else {
        requests.remove(at: index)
      }
      accept()
    }
  }

  private mutating func set(_ name: String, _ volume: PersistentVolume?) {
    volumes[name] = volume
    events.append((name, volume))
  }

  private mutating func remove() {
    if let name = volumes.keys.sorted().randomElement(using: &random) { set(name, nil) }
  }

  // MARK: what the allocator is shown

  private mutating func begin() {
    let allocator = leader.allocator
    for node in nodes {
      executor.start { await allocator.storage(of: node, storage(node, gibibytes: Self.capacity)) }
    }
    (events, listed, known) = ([], nil, [])
    list()
    list()
  }

  private mutating func watch(_ count: Int) {
    guard listed == nil else { return }
    for event in events.prefix(count) { show(event.name, event.volume) }
    events.removeFirst(min(count, events.count))
  }

  private mutating func list() {
    let allocator = leader.allocator
    guard let list = listed else {
      executor.start { await allocator.beginListing() }
      events = []
      return listed = volumes
    }
    for (name, volume) in list.sorted(by: { $0.key < $1.key }) { show(name, volume) }
    for name in known.sorted() where list[name] == nil { show(name, nil) }
    executor.start { await allocator.endListing() }
    listed = nil
  }

  private mutating func show(_ name: String, _ volume: PersistentVolume?) {
    if volume == nil, known.remove(name) == nil { return }
    if volume != nil { known.insert(name) }
    let (allocator, shown) = (leader.allocator, volume.flatMap(ShownVolume.init))
    executor.start { await allocator.volume(name, shown) }
  }

  // MARK: the end of a leader, and of the test

  private mutating func finish() {
    repeat {
      while let index = some({ $0.answer == nil }) { carryOut(index) }
      while let index = some({ $0.answer != nil }) { answer(index) }
    } while some({ _ in true }) != nil
  }

  private mutating func change() {
    finish()
    collect()
    leader = Leader(time)
    begin()
  }

  /// Where the ledger is not what the PVs are, once all is known.
  mutating func leaks() -> [String] {
    finish()
    advance(by: Allocator.writeLimit)
    settle()
    finish()
    for _ in 0..<4 { list() }
    let allocator = leader.allocator
    let ledger = executor.value { await allocator.ledger } ?? Ledger()
    let doubts = executor.value { await allocator.doubts.keys.sorted() } ?? ["unknown"]
    let taken = taken
    let wrong = nodes.filter {
      ledger.freeSpace(on: $0, at: .init()) != .gibibytes(Self.capacity) - (taken[$0] ?? .zero)
    }
    return wrong.map { "room on \($0)" } + doubts.map { "\($0) in doubt" }
  }
}

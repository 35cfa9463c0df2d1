import StorageModel
import TestSupport
import Testing

@testable import StorageLedger

@Suite("Ledger against a model")
struct LedgerModelTests {
  /// An API server that knows the truth, a watch on it that may be late and may have to begin anew, and a provisioner whose
  /// requests are answered late, or not at all.
  private struct World {
    struct PV: Equatable {
      var uid: String
      var booking: Booking
    }

    /// A request on its way. While there is one nothing else is asked about the name.
    enum Request {
      case written(PV)
      case refused
      /// With what is wanted should there be none.
      case read(PV?, Booking)
    }

    let nodes = ["a", "b", "c"]
    let names = (0..<12).map { "v\($0)" }
    let capacity: UInt64 = 8
    /// What volumes have that have grown.
    var real: [String: ByteCount] = [:]
    private var wishes: UInt64 = 0
    var pvs: [String: PV] = [:]
    var events: [(name: String, pv: PV?)] = []
    /// The API server's answer to a list that has not been read to its end.
    var listed: [String: PV]?
    var known: Set<String> = []
    var answers: [String: Request] = [:]
    var ledger = Ledger()
    private var written = 0

    init() { for node in nodes { ledger.setStorage(storage(node, gibibytes: capacity), of: node) } }

    // MARK: the API server

    mutating func set(_ name: String, _ pv: PV?) {
      if pv?.uid != pvs[name]?.uid { real[name] = nil }
      pvs[name] = pv
      events.append((name, pv))
    }

    private mutating func create(_ name: String, _ booking: Booking) -> PV {
      written += 1
      let pv = PV(uid: "\(written)", booking: booking)
      set(name, pv)
      return pv
    }

    // MARK: the provisioner

    /// As the provisioner does: what is booked may have been written, and is read; anything else is reserved and written.
    mutating func ask(for name: String, _ booking: Booking, _ random: inout Dice) {
      guard answers[name] == nil else { return }
      guard ledger.booking(of: name) == nil else { return answers[name] = .read(pvs[name], booking) }
      write(name, booking, &random)
    }

    private mutating func write(_ name: String, _ booking: Booking, _ random: inout Dice) {
      guard (try? ledger.reserve(booking, for: name)) != nil else { return }
      let isRefused = random.next() % 4 == 0
      // Another PV of that name, which the view does not show yet.
      let answer: Request =
        isRefused ? .refused : pvs[name].map { .read($0, booking) } ?? .written(create(name, booking))
      if random.next() % 3 > 0 { answers[name] = answer }
    }

    mutating func answer(_ name: String, _ random: inout Dice) {
      switch answers.removeValue(forKey: name) {
      case .written(let pv): ledger.confirm(name, uid: pv.uid)
      case .read(let pv?, _): ledger.confirm(name, as: pv.booking, uid: pv.uid)
      case .read(nil, let booking):
        ledger.cancel(name)
        write(name, booking, &random)
      case .refused: ledger.cancel(name)
      case nil: break
      }
    }

    /// What is perhaps written is read until nothing is open.
    mutating func settle(_ name: String) {
      var never = Dice(seed: 0)
      answer(name, &never)
      answer(name, &never)
      let found = pvs[name]
      if let found { ledger.confirm(name, as: found.booking, uid: found.uid) } else { ledger.cancel(name) }
    }

    // MARK: what it is shown

    mutating func deliver(_ count: Int) {
      guard listed == nil else { return }
      for event in events.prefix(count) { show(event.name, event.pv) }
      events.removeFirst(min(count, events.count))
    }

    mutating func list() {
      if let listed {
        for (name, pv) in listed.sorted(by: { $0.key < $1.key }) { show(name, pv) }
        for name in known.sorted() where listed[name] == nil { show(name, nil) }
        ledger.endListing()
        self.listed = nil
      } else {
        ledger.beginListing()
        events = []
        listed = pvs
      }
    }

    private mutating func show(_ name: String, _ pv: PV?) {
      if let pv {
        known.insert(name)
        ledger.observe(pv.booking, of: name, uid: pv.uid)
      } else if known.remove(name) != nil {
        ledger.forget(name)
      }
    }

    func taken(on node: String) -> ByteCount {
      pvs.filter { $0.value.booking.node == node }.reduce(.zero) { $0 + size(of: $1.key, $1.value) }
    }

    func size(of name: String, _ pv: PV) -> ByteCount { real[name] ?? pv.booking.size }

    // MARK: growth

    /// Kubernetes writes what a user wants into the PV, and asks nobody.
    mutating func want(_ name: String, _ gibibytes: UInt64) {
      guard var pv = pvs[name] else { return }
      // Another size each time: what a node has said of a size stands when that is wanted again.
      wishes += 1
      pv.booking.wanted = max(size(of: name, pv), .gibibytes(gibibytes)) + .mebibytes(4 * wishes)
      set(name, pv)
    }

    /// Kubelet asks the node, which looks at what is there. The model is kinder than life in two ways: the provisioner
    /// has seen what the PV wants and counts it, and the node leaves what is promised to volumes that are not there yet.
    mutating func grow(_ name: String) {
      guard let pv = pvs[name], let booked = ledger.booking(of: name), booked == pv.booking,
        (try? ledger.checkGrowth(booked, for: name)) != nil
      else { return }
      let node = booked.node
      let promised = names.filter { pvs[$0]?.booking.node != node }.compactMap { ledger.booking(of: $0) }
      let others = promised.filter { $0.node == node }.reduce(taken(on: node) - size(of: name, pv)) { $0 + $1.size }
      guard booked.wanted > size(of: name, pv), others + booked.wanted <= .gibibytes(capacity) else { return }
      real[name] = booked.wanted
    }

    /// What the daemon of a node says from time to time.
    mutating func report(_ node: String) {
      var reported = storage(node, gibibytes: capacity)
      reported.volumes = [:]
      for (name, pv) in pvs where pv.booking.node == node && pv.booking.wanted > pv.booking.size {
        reported.volumes?[name] = .init(
          sizeBytes: size(of: name, pv).bytes, requestedBytes: pv.booking.wanted.bytes)
      }
      ledger.setStorage(reported, of: node)
    }

    /// What is free on a node, by the definition: real sizes, and each growth that fits beside them.
    func free(on node: String) -> ByteCount {
      let free = ByteCount.gibibytes(capacity) - taken(on: node)
      let growths = pvs.filter { $0.value.booking.node == node }
        .map { $0.value.booking.wanted - size(of: $0.key, $0.value) }
      return growths.filter { $0 <= free }.reduce(free) { $0 - $1 }
    }
  }

  @Test(
    "in any order of writes, refusals, losses, delays, lists and requests, no node is ever promised more than it has, and no space is lost",
    arguments: 0..<100)
  func neverOverbooked(seed: UInt64) {
    var random = Dice(seed: seed)
    var world = World()
    for step in 0..<1000 {
      let name = world.names[Int(random.next() % 12)]
      let booking = Booking(node: world.nodes[Int(random.next() % 3)], size: .gibibytes(1 + random.next() % 3))
      switch random.next() % 17 {
      case 0...3: world.ask(for: name, booking, &random)
      case 4...6: world.answer(name, &random)
      case 7: if world.pvs[name] != nil { world.set(name, nil) }
      case 8...10: world.deliver(Int(random.next() % 4))
      // Back to what it was made with, something that may fit, and what nobody has.
      case 11: world.want(name, [0, 1 + random.next() % 6, 900 << 10][Int(random.next() % 3)])
      case 12, 13: world.grow(name)
      case 14: world.report(booking.node)
      default: world.list()
      }
      for node in world.nodes {
        #expect(world.taken(on: node) <= .gibibytes(world.capacity), "seed \(seed), step \(step), node \(node)")
      }
    }
    for name in world.names { world.settle(name) }
    for _ in 0..<4 { world.list() }
    for node in world.nodes { world.report(node) }
    for node in world.nodes {
      #expect(
        world.ledger.freeSpace(on: node, at: .init()) == world.free(on: node), "seed \(seed): room leaked on \(node)")
    }
  }
}

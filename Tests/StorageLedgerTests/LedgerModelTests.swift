import StorageModel
import Testing

@testable import StorageLedger

@Suite("Ledger against a model")
struct LedgerModelTests {
  /// An API server that knows the truth, and a watch on it that may be late and may have to begin anew.
  private struct World {
    var pvs: [String: Booking] = [:]
    var events: [(name: String, booking: Booking?)] = []
    var ledger = Ledger()
    let nodes = ["a", "b", "c"]
    let capacity: UInt64 = 8

    init() { for node in nodes { ledger.publish(storage(node, gibibytes: capacity), of: node) } }

    mutating func write(_ name: String, _ booking: Booking?) {
      pvs[name] = booking
      events.append((name, booking))
    }

    mutating func deliver(_ count: Int) {
      for event in events.prefix(count) {
        if let booking = event.booking { ledger.observe(booking, of: event.name) } else { ledger.forget(event.name) }
      }
      events.removeFirst(min(count, events.count))
    }

    mutating func relist() {
      ledger.beginListing()
      events = []
      for (name, booking) in pvs { ledger.observe(booking, of: name) }
      for name in (0..<12).map({ "v\($0)" }) where pvs[name] == nil { ledger.forget(name) }
      ledger.endListing()
    }

    func taken(on node: String) -> ByteCount {
      pvs.values.filter { $0.node == node }.reduce(.zero) { $0 + $1.size }
    }
  }

  @Test(
    "whatever is written, lost, delayed and listed anew, no node is ever promised more than it has", arguments: 0..<40)
  func neverOverbooked(seed: UInt64) {
    var random = SplitMix(state: seed)
    var world = World()
    for step in 0..<600 {
      let name = "v\(random.next() % 12)"
      let node = world.nodes[Int(random.next() % 3)]
      switch random.next() % 10 {
      case 0...3:
        // Provision or grow, as the controller does: reserve, write, and the write may fail or its answer be lost.
        let old = world.pvs[name]
        let booking = Booking(
          node: old?.node ?? node, size: .gibibytes((old?.size.bytes ?? 0) >> 30 + 1 + random.next() % 3))
        guard (try? world.ledger.reserve(booking, for: name)) != nil else { break }
        switch random.next() % 4 {
        case 0: world.ledger.cancel(name)
        default:
          world.write(name, booking)
          world.ledger.confirm(name)
        }
      case 4, 5: if world.pvs[name] != nil { world.write(name, nil) }
      case 6...8: world.deliver(Int(random.next() % 4))
      default: world.relist()
      }
      for node in world.nodes {
        #expect(world.taken(on: node) <= .gibibytes(world.capacity), "seed \(seed), step \(step), node \(node)")
      }
    }
    world.relist()
    for node in world.nodes {
      #expect(
        world.ledger.room(on: node, at: .init()) == .gibibytes(world.capacity) - world.taken(on: node),
        "seed \(seed): room leaked on \(node)")
    }
  }
}

/// Steele, Lea and Flood's SplitMix64: the same sequence for the same seed, everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

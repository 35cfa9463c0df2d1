import StorageModel
import Testing

@testable import StorageLedger

@Suite("Volumes that are to grow, in the ledger")
struct LedgerGrowthTests {
  private static let node = "a"

  /// A node of 10 GiB with volumes of 2 GiB each whose PVs want that many.
  private static func ledger(wanting gibibytes: [UInt64], volumes: [String: NodeStorage.Volume]? = nil) -> Ledger {
    var ledger = Ledger()
    var reported = storage(node, gibibytes: 10)
    reported.volumes = volumes
    ledger.setStorage(reported, of: node)
    for (index, wanted) in gibibytes.enumerated() {
      ledger.observe(booking(wanting: wanted), of: "v\(index)", uid: "\(index)")
    }
    return ledger
  }

  private static func booking(wanting gibibytes: UInt64) -> Booking {
    Booking(node: node, size: .gibibytes(2), wanted: .gibibytes(gibibytes))
  }

  private static func volume(_ gibibytes: UInt64, wanting wanted: UInt64) -> NodeStorage.Volume {
    .init(sizeBytes: gibibytes << 30, requestedBytes: wanted << 30)
  }

  private static func freeSpace(_ ledger: Ledger) -> ByteCount { ledger.freeSpace(on: node, at: .init()) }

  @Test("growths that do not fit take no space, however many there are; the volume keeps its own")
  func impossible() throws {
    var ledger = Self.ledger(wanting: [900 << 10, 900 << 10, 11])
    #expect(Self.freeSpace(ledger) == .gibibytes(4))
    try ledger.reserve(Booking(node: Self.node, size: .gibibytes(4)), for: "new")
    #expect(Self.freeSpace(ledger) == .zero)
    #expect(
      throws: Shortage.notEnoughSpace(
        node: "a", place: "volume group \"vg\"", free: .gibibytes(2), requested: .gibibytes(900 << 10))
    ) { _ = try ledger.checkGrowth(Self.booking(wanting: 900 << 10), for: "v0") }
  }

  @Test(
    "a growth that fits takes its space before kubelet asks for it, and returns it when it is no longer requested")
  func possible() throws {
    var ledger = Self.ledger(wanting: [7])
    #expect(Self.freeSpace(ledger) == .gibibytes(3))
    #expect(throws: Shortage.self) { try ledger.reserve(Booking(node: Self.node, size: .gibibytes(4)), for: "new") }
    #expect(try ledger.checkGrowth(Self.booking(wanting: 7), for: "v0"))
    ledger.observe(Self.booking(wanting: 2), of: "v0", uid: "0")
    #expect(Self.freeSpace(ledger) == .gibibytes(8))
  }

  @Test("growths that fit one by one but not together take all free space: the first to grow gets it")
  func contested() throws {
    var ledger = Self.ledger(wanting: [6, 7])
    #expect(Self.freeSpace(ledger) == .zero)
    #expect(try !ledger.checkGrowth(Self.booking(wanting: 6), for: "v0"))
    #expect(try !ledger.checkGrowth(Self.booking(wanting: 7), for: "v1"))
    // The second has grown: there are 2 GiB missing for the first, and 1 GiB is anybody's.
    var reported = storage(Self.node, gibibytes: 10)
    reported.volumes = ["v1": Self.volume(7, wanting: 7)]
    ledger.setStorage(reported, of: Self.node)
    #expect(Self.freeSpace(ledger) == .gibibytes(1))
    #expect(throws: Shortage.self) { _ = try ledger.checkGrowth(Self.booking(wanting: 6), for: "v0") }
  }

  @Test("a volume has the size that its node reports, but never less than its size at creation")
  func reported() {
    let ledger = Self.ledger(
      wanting: [900 << 10, 2], volumes: ["v0": Self.volume(5, wanting: 900 << 10), "v1": Self.volume(1, wanting: 2)])
    #expect(Self.freeSpace(ledger) == .gibibytes(3))
  }

  @Test("a node's report counts until its next one, even if the PV then requests less or is gone")
  func reportedBefore() {
    var ledger = Self.ledger(
      wanting: [6], volumes: ["v0": Self.volume(6, wanting: 6), "gone": Self.volume(8, wanting: 8)])
    #expect(Self.freeSpace(ledger) == .gibibytes(4))
    ledger.observe(Self.booking(wanting: 3), of: "v0", uid: "0")
    #expect(Self.freeSpace(ledger) == .gibibytes(4))
  }

  @Test(
    "a volume that may have grown before its PV requested a size that does not fit keeps that space until its node has checked"
  )
  func grownBefore() {
    var ledger = Self.ledger(wanting: [5])
    #expect(Self.freeSpace(ledger) == .gibibytes(5))
    ledger.observe(Self.booking(wanting: 900 << 10), of: "v0", uid: "0")
    #expect(Self.freeSpace(ledger) == .gibibytes(5))
    var reported = storage(Self.node, gibibytes: 10)
    reported.volumes = ["v0": Self.volume(2, wanting: 5)]
    ledger.setStorage(reported, of: Self.node)
    #expect(Self.freeSpace(ledger) == .gibibytes(5), "that was before")
    reported.volumes = ["v0": Self.volume(2, wanting: 900 << 10)]
    ledger.setStorage(reported, of: Self.node)
    #expect(Self.freeSpace(ledger) == .gibibytes(8))
  }

  @Test("a growth in one group does not change the free space of another")
  func otherGroup() throws {
    var ledger = Ledger()
    var reported = storage(Self.node, gibibytes: 10)
    reported.classes.append(
      .init(group: "fast", isThin: false, sizeBytes: 4 << 30, reservedBytes: 0, extentBytes: 4 << 20))
    ledger.setStorage(reported, of: Self.node)
    let fast = DeviceClass(group: try VolumeGroupName("fast"), provisioning: .thick)
    ledger.observe(
      Booking(node: Self.node, place: fast, size: .gibibytes(1), wanted: .gibibytes(5)), of: "v", uid: "v")
    #expect(Self.freeSpace(ledger) == .gibibytes(10))
    #expect(ledger.freeSpace(on: Self.node, at: fast) == .gibibytes(3))
  }
}

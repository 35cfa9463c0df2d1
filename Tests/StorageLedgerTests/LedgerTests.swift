import StorageModel
import Testing

@testable import StorageLedger

@Suite("Ledger")
struct LedgerTests {
  private static func ledger(gibibytes: UInt64 = 10, reserved: UInt64 = 0) -> Ledger {
    var ledger = Ledger()
    ledger.setStorage(storage("a", gibibytes: gibibytes, reserved: reserved), of: "a")
    return ledger
  }

  @Test("a volume takes whole extents")
  func wholeExtents() throws {
    var ledger = Self.ledger()
    try ledger.reserve(Booking(node: "a", size: ByteCount(1)), for: "v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10) - .mebibytes(4))
  }

  @Test("what fits exactly is taken, one extent more is refused with the numbers")
  func exactFit() throws {
    var ledger = Self.ledger(reserved: 4)
    #expect(
      throws: Shortage.notEnoughSpace(
        node: "a", place: "volume group \"vg\"", free: .gibibytes(6), requested: .mebibytes(6148))
    ) { try ledger.reserve(Booking(node: "a", size: .gibibytes(6) + ByteCount(1)), for: "v") }
    try ledger.reserve(Booking(node: "a", size: .gibibytes(6)), for: "v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .zero)
    #expect(throws: Shortage.self) { try ledger.reserve(Booking(node: "a", size: ByteCount(1)), for: "w") }
  }

  @Test("a refused volume changes nothing")
  func refusedChangesNothing() {
    var ledger = Self.ledger()
    #expect(throws: Shortage.self) { try ledger.reserve(Booking(node: "a", size: .gibibytes(11)), for: "v") }
    #expect(throws: Shortage.unknownNode("b")) { try ledger.reserve(Booking(node: "b", size: .gibibytes(1)), for: "v") }
    #expect(ledger.count == 0)
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
    #expect(ledger.reportingNodes == ["a"])
  }

  @Test("a repeated reservation takes space once")
  func reservingTwice() throws {
    var ledger = Self.ledger()
    try ledger.reserve(Booking(node: "a", size: .gibibytes(8)), for: "v")
    try ledger.reserve(Booking(node: "a", size: .gibibytes(8)), for: "v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(2))
  }

  @Test("a group, and a thin pool in it, have separate space; a volume that names neither takes the node's default")
  func places() throws {
    var ledger = Ledger()
    var storage = storage("a", gibibytes: 10)
    storage.classes.append(
      .init(group: "vg", isThin: true, sizeBytes: 40 << 30, reservedBytes: 0, extentBytes: 64 << 10))
    storage.classes.append(
      .init(group: "fast", isThin: false, sizeBytes: 2 << 30, reservedBytes: 0, extentBytes: 4 << 20))
    storage.isThinByDefault = true
    ledger.setStorage(storage, of: "a")
    let fast = DeviceClass(group: try VolumeGroupName("fast"), provisioning: .thick)
    try ledger.reserve(Booking(node: "a", size: .gibibytes(30)), for: "thin")
    try ledger.reserve(Booking(node: "a", place: .init(provisioning: .thick), size: .gibibytes(9)), for: "thick")
    try ledger.reserve(Booking(node: "a", place: fast, size: .gibibytes(2)), for: "fast")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
    #expect(
      ledger.freeSpace(on: "a", at: .init(group: try VolumeGroupName("vg"), provisioning: .thick)) == .gibibytes(1))
    #expect(ledger.freeSpace(on: "a", at: fast) == .zero)
    #expect(throws: Shortage.self) {
      try ledger.reserve(
        Booking(node: "a", place: .init(group: try VolumeGroupName("slow")), size: .gibibytes(1)), for: "slow")
    }
  }

  @Test("a PV that could not be written returns its space")
  func cancelled() throws {
    var ledger = Self.ledger()
    try ledger.reserve(Booking(node: "a", size: .gibibytes(8)), for: "v")
    ledger.cancel("v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
  }

  @Test("a PV that could not be written leaves an earlier PV of its name booked as long as that is shown")
  func earlierOfTheName() throws {
    var ledger = Self.ledger()
    ledger.observe(Booking(node: "a", size: .gibibytes(2)), of: "v", uid: "earlier")
    try ledger.reserve(Booking(node: "a", size: .gibibytes(10)), for: "v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .zero)
    ledger.cancel("v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(8))
    try ledger.reserve(Booking(node: "a", size: .gibibytes(10)), for: "v")
    ledger.forget("v")
    ledger.cancel("v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
  }

  @Test("late events of an earlier PV of the same name do not free a written PV, even of the same size")
  func earlierShownLate() throws {
    var ledger = Self.ledger()
    let booking = Booking(node: "a", size: .gibibytes(5))
    ledger.observe(booking, of: "v", uid: "earlier")
    try ledger.reserve(booking, for: "v")
    ledger.confirm("v", uid: "written")
    ledger.observe(booking, of: "v", uid: "earlier")
    ledger.forget("v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(5))
    ledger.observe(booking, of: "v", uid: "written")
    ledger.forget("v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
  }

  @Test("a PV that a watch shows before its write is answered is booked once, as it is shown")
  func shownBeforeTheAnswer() throws {
    var ledger = Self.ledger()
    try ledger.reserve(Booking(node: "a", size: .gibibytes(2)), for: "v")
    ledger.observe(Booking(node: "a", size: .gibibytes(3)), of: "v", uid: "written")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(7))
    ledger.confirm("v", uid: "written")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(7))
    ledger.forget("v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
  }

  @Test("the end of an earlier PV of the same name does not free a PV that is being written")
  func staleEnd() throws {
    var ledger = Self.ledger()
    try ledger.reserve(Booking(node: "a", size: .gibibytes(5)), for: "v")
    ledger.forget("v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(5))
    ledger.confirm("v", uid: "v")
    ledger.forget("v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(5))
  }

  @Test("a list frees PVs that it does not show, but not those written since it began")
  func listing() throws {
    var ledger = Self.ledger()
    ledger.observe(Booking(node: "a", size: .gibibytes(1)), of: "gone", uid: "3")
    ledger.observe(Booking(node: "a", size: .gibibytes(1)), of: "kept", uid: "4")
    try ledger.reserve(Booking(node: "a", size: .gibibytes(1)), for: "written before")
    ledger.confirm("written before", uid: "1")
    try ledger.reserve(Booking(node: "a", size: .gibibytes(1)), for: "being written")
    ledger.beginListing()
    try ledger.reserve(Booking(node: "a", size: .gibibytes(1)), for: "written since")
    ledger.confirm("written since", uid: "2")
    ledger.forget("gone")
    ledger.endListing()
    #expect(ledger.booking(of: "gone") == nil)
    #expect(ledger.booking(of: "written before") == nil)
    #expect(ledger.count == 3)
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(7))
  }

  @Test("a node without a report takes no volumes, and its bookings stay")
  func silentNode() throws {
    var ledger = Self.ledger()
    try ledger.reserve(Booking(node: "a", size: .gibibytes(3)), for: "v")
    ledger.setStorage(nil, of: "a")
    #expect(throws: Shortage.unknownNode("a")) { try ledger.reserve(Booking(node: "a", size: .gibibytes(1)), for: "w") }
    ledger.setStorage(storage("a", gibibytes: 10), of: "a")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(7))
  }

  @Test("storage of an unknown version has no capacity")
  func unknownForm() {
    var ledger = Ledger()
    var later = storage("a", gibibytes: 10)
    later.version = 2
    ledger.setStorage(later, of: "a")
    #expect(ledger.reportingNodes.isEmpty)
  }

  @Test("more reserved than the capacity leaves no free space")
  func overfull() {
    let ledger = Self.ledger(gibibytes: 1, reserved: 4)
    #expect(ledger.freeSpace(on: "a", at: .init()) == .zero)
  }

  @Test("a change of the extent size recomputes every booking")
  func extents() throws {
    var ledger = Self.ledger()
    try ledger.reserve(Booking(node: "a", size: ByteCount(1)), for: "v")
    var storage = storage("a", gibibytes: 10)
    storage.classes[0].extentBytes = 1 << 30
    ledger.setStorage(storage, of: "a")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(9))
    ledger.forget("v")
    ledger.cancel("v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
  }

  @Test("PVs that claim more than 64 bits hold leave no free space, and free it when they are gone")
  func hugeVolumes() throws {
    var ledger = Ledger()
    ledger.setStorage(storage("a", gibibytes: 10), of: "a")
    for volume in ["u", "v", "w"] { ledger.observe(Booking(node: "a", size: ByteCount(.max)), of: volume, uid: volume) }
    #expect(ledger.freeSpace(on: "a", at: .init()) == .zero)
    for volume in ["u", "v", "w"] { ledger.forget(volume) }
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
  }

  @Test("the read of a PV counts only if no event was shown since: a PV whose end was shown takes no space")
  func readTooLate() throws {
    var ledger = Self.ledger()
    let booking = Booking(node: "a", size: .gibibytes(4))
    try ledger.reserve(booking, for: "v")
    ledger.observe(booking, of: "v", uid: "v")
    ledger.forget("v")
    ledger.confirm("v", as: booking, uid: "v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
  }

  @Test("a PV that was read and never shown takes space until a list that began later lacks it")
  func readAndNeverShown() throws {
    var ledger = Self.ledger()
    try ledger.reserve(Booking(node: "a", size: .gibibytes(4)), for: "v")
    ledger.confirm("v", as: Booking(node: "a", size: .gibibytes(6)), uid: "v")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(4))
    ledger.endListing()
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(4))
    ledger.beginListing()
    ledger.endListing()
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
    try ledger.reserve(Booking(node: "a", size: .gibibytes(4)), for: "w")
    ledger.cancel("w")
    #expect(ledger.freeSpace(on: "a", at: .init()) == .gibibytes(10))
  }
}

/// One thick group `vg` with 4 MiB extents, the default.
func storage(_ node: String, gibibytes: UInt64, reserved: UInt64 = 0) -> NodeStorage {
  NodeStorage(
    node: node, defaultGroup: "vg", isThinByDefault: false,
    classes: [
      .init(
        group: "vg", isThin: false, sizeBytes: gibibytes << 30, reservedBytes: reserved << 30, extentBytes: 4 << 20)
    ])
}

internal import StorageLedger
@testable internal import StorageModel

extension FuzzTarget {
  /// The provisioner's ledger, an entry in twelve bytes: whatever PVs and nodes say of sizes, room is handed out once, and
  /// when every volume is gone all of it is free.
  static let ledger = FuzzTarget("ledger", maximumLength: 240) { bytes throws(Violation) in
    var book = FuzzedLedger()
    for start in stride(from: 0, through: bytes.count - 12, by: 12) {
      try book.enter(Array(bytes[start..<(start + 12)]))
    }
    try book.close()
  }
}

/// A ledger of one node, changed by entries of twelve bytes: what, which volume, where, a number, and a size of eight bytes.
private struct FuzzedLedger {
  private static let node = "node-1"
  private static let volumes = (0..<8).map { "pvc-\($0)" }
  private static let classes = [("a", DeviceClass.Provisioning.thick), ("a", .thin), ("b", .thick)]
  private static let places =
    [DeviceClass()] + classes.map { DeviceClass(group: try? VolumeGroupName($0.0), provisioning: $0.1) }

  private var ledger = Ledger()
  private var storage: NodeStorage?

  mutating func enter(_ entry: [UInt8]) throws(Violation) {
    let volume = Self.volumes[Int(entry[1]) % Self.volumes.count]
    let place = Self.places[Int(entry[2]) % Self.places.count]
    let size = entry[4...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let booking = Booking(node: Self.node, place: place, size: ByteCount(size))
    switch entry[0] % 6 {
    case 0: setStorage(size: size, number: entry[3])
    case 1: ledger.observe(grown(booking, entry[3]), of: volume, uid: "\(entry[3] & 1)")
    case 2: try reserve(booking, for: volume)
    case 3: ledger.confirm(volume, uid: "\(entry[3] & 1)")
    case 4: ledger.cancel(volume)
    default: ledger.forget(volume)
    }
    try checkFreeSpace()
  }

  /// A PV that wants more than its volume was made with, or as much.
  private func grown(_ booking: Booking, _ number: UInt8) -> Booking {
    Booking(
      node: booking.node, place: booking.place, size: ByteCount(booking.size.bytes >> UInt64(number >> 2)),
      wanted: booking.size)
  }

  /// Every volume goes: whatever was booked before, all that is reported is free again.
  mutating func close() throws(Violation) {
    for volume in Self.volumes {
      ledger.cancel(volume)
      ledger.forget(volume)
    }
    try hold(ledger.count == 0, "\(ledger.count) volumes are still booked")
    for place in Self.places {
      guard let capacity = storage?.capacity(of: place) else { continue }
      let free = ByteCount(capacity.sizeBytes) - ByteCount(capacity.reservedBytes)
      try hold(ledger.freeSpace(on: Self.node, at: place) == free, "\(free) should be free again")
    }
  }

  private mutating func setStorage(size: UInt64, number: UInt8) {
    let extent = UInt64(1) << UInt64(number & 0x3F)
    let classes = Self.classes.map { group, provisioning in
      NodeStorage.ClassCapacity(
        group: group, isThin: provisioning == .thin, sizeBytes: size,
        reservedBytes: size >> UInt64(number >> 6),
        extentBytes: number == 0 ? 0 : extent)
    }
    var reported = NodeStorage(node: Self.node, defaultGroup: "a", isThinByDefault: number & 1 == 1, classes: classes)
    reported.volumes = number & 2 == 0 ? nil : ["pvc-1": .init(sizeBytes: size >> 1, requestedBytes: size)]
    storage = reported
    ledger.setStorage(storage, of: Self.node)
  }

  /// What fits has been free, or was the volume's own.
  private mutating func reserve(_ booking: Booking, for volume: String) throws(Violation) {
    let free = ledger.freeSpace(on: Self.node, at: booking.place)
    let former = ledger.booking(of: volume)
    do throws(Shortage) {
      try ledger.reserve(booking, for: volume)
    } catch {
      try hold(ledger.booking(of: volume) == former, "a refusal has changed the booking")
      return try holdOneLine(error.message)
    }
    try hold(ledger.booking(of: volume) == booking, "booked is \(String(describing: ledger.booking(of: volume)))")
    guard former == nil, let capacity = storage?.capacity(of: booking.place) else { return }
    try hold(capacity.allocatedSize(for: booking.size) <= free, "\(booking.size) taken of \(free)")
  }

  private func checkFreeSpace() throws(Violation) {
    for place in Self.places {
      let capacity = storage?.capacity(of: place)
      let most = capacity.map { ByteCount($0.sizeBytes) - ByteCount($0.reservedBytes) } ?? .zero
      try hold(ledger.freeSpace(on: Self.node, at: place) <= most, "more room than there is")
    }
  }
}

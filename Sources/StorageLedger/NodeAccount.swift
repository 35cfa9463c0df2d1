internal import StorageModel

/// One node's page of the ledger.
struct NodeAccount: Sendable {
  private(set) var storage: NodeStorage?
  private(set) var bookings: [String: Booking] = [:]
  /// Sum of the bookings by place, each rounded up to the extents of its pool; kept, so that a booking costs the same with
  /// ten volumes and with ten thousand. Wide enough for any number of PVs, whatever capacity they claim to have.
  private var sums: [Booking.Place: UInt128] = [:]

  var isEmpty: Bool { storage == nil && bookings.isEmpty }

  mutating func publish(_ new: NodeStorage?) {
    let roundsAlike = storage?.extents == new?.extents
    storage = new
    if !roundsAlike { sumUp() }
  }

  mutating func set(_ booking: Booking?, for volume: String) {
    if let old = bookings.removeValue(forKey: volume) { sums[old.place, default: 0] -= rounded(old) }
    guard let booking else { return }
    bookings[volume] = booking
    sums[booking.place, default: 0] += rounded(booking)
  }

  /// Whether the volume fits, with what it has already given back first.
  func check(_ booking: Booking, for volume: String) throws(Shortage) {
    guard let storage else { throw .unknownNode(booking.node) }
    guard let pool = storage.pool(of: booking.place) else {
      throw .noPlace(
        node: storage.node, group: booking.place.group ?? storage.defaultGroup,
        isThin: booking.place.isThin ?? storage.isThinByDefault, known: storage.pools.map(\.description))
    }
    var free = room(in: pool)
    if let old = bookings[volume], storage.pool(of: old.place) == pool { free = free + pool.room(for: old.size) }
    let needed = pool.room(for: booking.size)
    guard needed <= free else {
      throw .noRoom(node: storage.node, pool: pool.description, free: free, requested: needed)
    }
  }

  /// What is left of a pool.
  func room(in pool: NodeStorage.Pool) -> ByteCount {
    guard let storage else { return .zero }
    let booked = sums.reduce(UInt128(0)) { storage.pool(of: $1.key) == pool ? $0 + $1.value : $0 }
    return ByteCount(pool.sizeBytes) - ByteCount(pool.reservedBytes) - ByteCount(UInt64(clamping: booked))
  }

  private func rounded(_ booking: Booking) -> UInt128 {
    UInt128(storage?.pool(of: booking.place)?.room(for: booking.size).bytes ?? booking.size.bytes)
  }

  private mutating func sumUp() {
    sums = [:]
    for booking in bookings.values { sums[booking.place, default: 0] += rounded(booking) }
  }
}

extension NodeStorage {
  /// What decides to how much a booking is rounded: the extents of each place.
  fileprivate var extents: [String] {
    ["\(defaultGroup)/\(isThinByDefault)"] + pools.map { "\($0.group)/\($0.isThin)/\($0.extentBytes)" }
  }
}

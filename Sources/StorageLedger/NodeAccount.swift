internal import StorageModel

/// One node's page of the ledger.
///
/// Each volume has its real size. A volume whose PV asks for more takes the difference too if that fits beside the real sizes of
/// all volumes; a growth that does not fit takes nothing. Growths that fit one by one and not together take all that is free,
/// since nobody knows which of them kubelet asks for first. So what is left depends neither on the order of events nor on
/// history, and the provisioner and the node's daemon come to the same figure.
struct NodeAccount: Sendable {
  private(set) var storage: NodeStorage?
  private(set) var bookings: [String: Booking] = [:]
  /// Sum of the real sizes by place, each rounded up to the extents of its pool; kept, so that a booking costs the same with
  /// ten volumes and with ten thousand. Wide enough for any number of PVs, whatever size they claim to have.
  private var sums: [DeviceClass: UInt128] = [:]
  /// What volumes have yet to grow by, of those that have.
  private var growths: [String: Growth] = [:]
  /// What volumes may have grown to before their PV wanted something else, until their node has looked since.
  private var perhaps: [String: ByteCount] = [:]

  private struct Growth: Sendable {
    var place: DeviceClass
    var bytes: UInt64
  }

  var isEmpty: Bool { storage == nil && bookings.isEmpty }

  mutating func setStorage(_ new: NodeStorage?) {
    let countsAlike = storage?.sizing == new?.sizing
    storage = new
    guard !countsAlike else { return }
    for volume in perhaps.keys {
      if let booking = bookings[volume], hasLooked(at: booking, of: volume) { perhaps[volume] = nil }
    }
    sumUp()
  }

  mutating func set(_ booking: Booking?, for volume: String) {
    if let old = bookings.removeValue(forKey: volume) {
      let mayHaveGrown = mayHaveGrown(old, volume)
      sums[old.place, default: 0] -= UInt128(real(old, of: volume).bytes)
      growths[volume] = nil
      if let booking, booking.wanted > booking.size {
        // What the node has said of that very size stands: it would not say the same again.
        if booking.wanted != old.wanted, mayHaveGrown, !hasLooked(at: booking, of: volume) {
          perhaps[volume] = old.wanted
        }
      } else {
        perhaps[volume] = nil
      }
    }
    guard let booking else { return }
    bookings[volume] = booking
    add(booking, for: volume)
  }

  /// Whether the volume fits with its real size and its growth, after it has given back what it has now.
  ///
  /// - Parameter besideGrowths: whether other volumes keep the space that they have yet to grow into.
  func check(_ booking: Booking, for volume: String, besideGrowths: Bool = true) throws(Shortage) {
    guard let storage else { throw .unknownNode(booking.node) }
    guard let pool = storage.pool(of: booking.place) else {
      throw .noPlace(
        node: storage.node, group: booking.place.group?.text ?? storage.defaultGroup,
        isThin: booking.place.provisioning.map { $0 == .thin } ?? storage.isThinByDefault,
        known: storage.pools.map(\.description))
    }
    var free = free(in: pool)
    if besideGrowths { free = free - growths(in: pool, upTo: free, without: volume) }
    if let old = bookings[volume], storage.pool(of: old.place) == pool { free = free + real(old, of: volume) }
    let needed = max(real(booking, of: volume), pool.allocatedSize(for: booking.wanted))
    guard needed <= free else {
      throw .notEnoughSpace(node: storage.node, pool: pool.description, free: free, requested: needed)
    }
  }

  /// What is left of a pool.
  func freeSpace(in pool: NodeStorage.Pool) -> ByteCount {
    let free = free(in: pool)
    return free - growths(in: pool, upTo: free)
  }

  /// What no volume has.
  private func free(in pool: NodeStorage.Pool) -> ByteCount {
    guard let storage else { return .zero }
    let real = sums.reduce(UInt128(0)) { storage.pool(of: $1.key) == pool ? $0 + $1.value : $0 }
    return ByteCount(pool.sizeBytes) - ByteCount(pool.reservedBytes) - ByteCount(UInt64(clamping: real))
  }

  /// What volumes of a pool have yet to grow by, of those whose growth fits into that much.
  private func growths(
    in pool: NodeStorage.Pool, upTo free: ByteCount, without volume: String? = nil
  ) -> ByteCount {
    let sum = growths.reduce(UInt128(0)) { sum, entry in
      let counts =
        entry.key != volume && entry.value.bytes <= free.bytes && storage?.pool(of: entry.value.place) == pool
      return counts ? sum + UInt128(entry.value.bytes) : sum
    }
    return ByteCount(UInt64(clamping: sum))
  }

  /// What a volume has or is to be made with, at least, or what it has by now as far as is known; in whole extents.
  private func real(_ booking: Booking, of volume: String) -> ByteCount {
    let reported = ByteCount(storage?.volumes?[volume]?.sizeBytes ?? 0)
    return rounded(max(booking.size, reported, perhaps[volume] ?? .zero), at: booking.place)
  }

  /// Whether the node has looked at the volume since its PV wants that size.
  private func hasLooked(at booking: Booking, of volume: String) -> Bool {
    storage?.volumes?[volume]?.wantedBytes == booking.wanted.bytes
  }

  private func mayHaveGrown(_ booking: Booking, _ volume: String) -> Bool {
    guard let growth = growths[volume], let pool = storage?.pool(of: booking.place) else { return false }
    return growth.bytes <= free(in: pool).bytes
  }

  private func rounded(_ size: ByteCount, at place: DeviceClass) -> ByteCount {
    storage?.pool(of: place)?.allocatedSize(for: size) ?? size
  }

  private mutating func add(_ booking: Booking, for volume: String) {
    let real = real(booking, of: volume)
    sums[booking.place, default: 0] += UInt128(real.bytes)
    let growth = rounded(booking.wanted, at: booking.place) - real
    growths[volume] = growth > .zero ? Growth(place: booking.place, bytes: growth.bytes) : nil
  }

  private mutating func sumUp() {
    sums = [:]
    growths = [:]
    for (volume, booking) in bookings { add(booking, for: volume) }
  }
}

extension NodeStorage {
  /// What decides how much of a pool a booking takes.
  fileprivate struct Sizing: Equatable {
    /// Of each place, since sizes are rounded to them.
    var extents: [String]
    var volumes: [String: NodeStorage.Volume]?
  }

  fileprivate var sizing: Sizing {
    let extents = pools.map { "\($0.group)/\($0.isThin)/\($0.extentBytes)" }
    return Sizing(extents: ["\(defaultGroup)/\(isThinByDefault)"] + extents, volumes: volumes)
  }
}

internal import StorageModel

/// The ledger's account of one node.
///
/// Each volume takes its real size. If its PV requests more, it also takes the difference, provided the difference fits
/// beside the real sizes of all volumes; otherwise the growth takes nothing. If growths fit one by one but not
/// together, they take all free space, since kubelet may ask for any of them first. So the free space depends neither
/// on the order of events nor on history, and the provisioner and the node's daemon compute the same value.
struct NodeAccount: Sendable {
  private(set) var storage: NodeStorage?
  private(set) var bookings: [String: Booking] = [:]
  /// Sum of the real sizes by device class, each rounded up to extents. The sum is kept, so a booking takes the same
  /// time with ten volumes and with ten thousand. 128 bits suffice for any number of PVs of any claimed size.
  private var sums: [DeviceClass: UInt128] = [:]
  /// Bytes by which volumes have yet to grow, only of those that are to grow.
  private var growths: [String: Growth] = [:]
  /// Sizes that volumes may have grown to before their PV requested another size. An entry ends when the node has
  /// checked the volume since.
  private var possibleSizes: [String: ByteCount] = [:]

  private struct Growth: Sendable {
    var place: DeviceClass
    var bytes: UInt64
  }

  var isEmpty: Bool { storage == nil && bookings.isEmpty }

  mutating func setStorage(_ new: NodeStorage?) {
    let countsAlike = storage?.sizing == new?.sizing
    storage = new
    guard !countsAlike else { return }
    for volume in possibleSizes.keys {
      if let booking = bookings[volume], hasChecked(at: booking, of: volume) { possibleSizes[volume] = nil }
    }
    sumUp()
  }

  mutating func set(_ booking: Booking?, for volume: String) {
    if let old = bookings.removeValue(forKey: volume) {
      let mayHaveGrown = mayHaveGrown(old, volume)
      sums[old.place, default: 0] -= UInt128(real(old, of: volume).bytes)
      growths[volume] = nil
      if let booking, booking.wanted > booking.size {
        // A report by the node about exactly this size stays valid: the node would not report it again.
        if booking.wanted != old.wanted, mayHaveGrown, !hasChecked(at: booking, of: volume) {
          possibleSizes[volume] = old.wanted
        }
      } else {
        possibleSizes[volume] = nil
      }
    }
    guard let booking else { return }
    bookings[volume] = booking
    add(booking, for: volume)
  }

  /// Checks whether the volume fits with its real size and its growth, after its present space is returned.
  ///
  /// - Parameter besideGrowths: whether the growth that other volumes still have before them counts as taken.
  /// - Throws: ``Shortage`` when it does not fit.
  func check(_ booking: Booking, for volume: String, besideGrowths: Bool = true) throws(Shortage) {
    guard let storage else { throw .unknownNode(booking.node) }
    guard let capacity = storage.capacity(of: booking.place) else {
      throw .noPlace(
        node: storage.node, group: booking.place.group?.text ?? storage.defaultGroup,
        isThin: booking.place.provisioning.map { $0 == .thin } ?? storage.isThinByDefault,
        known: storage.classes.map(\.description))
    }
    var free = free(in: capacity)
    if besideGrowths { free = free - growths(in: capacity, upTo: free, without: volume) }
    if let old = bookings[volume], storage.capacity(of: old.place) == capacity { free = free + real(old, of: volume) }
    let needed = max(real(booking, of: volume), capacity.allocatedSize(for: booking.wanted))
    guard needed <= free else {
      throw .notEnoughSpace(node: storage.node, place: capacity.description, free: free, requested: needed)
    }
  }

  /// The free space of a device class, less all growths that fit.
  func freeSpace(in capacity: NodeStorage.ClassCapacity) -> ByteCount {
    let free = free(in: capacity)
    return free - growths(in: capacity, upTo: free)
  }

  /// The space that no volume takes with its real size.
  private func free(in capacity: NodeStorage.ClassCapacity) -> ByteCount {
    guard let storage else { return .zero }
    let real = sums.reduce(UInt128(0)) { storage.capacity(of: $1.key) == capacity ? $0 + $1.value : $0 }
    return ByteCount(capacity.sizeBytes) - ByteCount(capacity.reservedBytes) - ByteCount(UInt64(clamping: real))
  }

  /// The sum of outstanding growths in a device class. A growth larger than `free` does not count.
  private func growths(
    in capacity: NodeStorage.ClassCapacity, upTo free: ByteCount, without volume: String? = nil
  ) -> ByteCount {
    let sum = growths.reduce(UInt128(0)) { sum, entry in
      let counts =
        entry.key != volume && entry.value.bytes <= free.bytes && storage?.capacity(of: entry.value.place) == capacity
      return counts ? sum + UInt128(entry.value.bytes) : sum
    }
    return ByteCount(UInt64(clamping: sum))
  }

  /// The volume's real size in whole extents: the largest of its size at creation, its reported size and a possible
  /// earlier growth.
  private func real(_ booking: Booking, of volume: String) -> ByteCount {
    let reported = ByteCount(storage?.volumes?[volume]?.sizeBytes ?? 0)
    return rounded(max(booking.size, reported, possibleSizes[volume] ?? .zero), at: booking.place)
  }

  /// Whether the node has checked the volume since its PV requested this size.
  private func hasChecked(at booking: Booking, of volume: String) -> Bool {
    storage?.volumes?[volume]?.requestedBytes == booking.wanted.bytes
  }

  private func mayHaveGrown(_ booking: Booking, _ volume: String) -> Bool {
    guard let growth = growths[volume], let capacity = storage?.capacity(of: booking.place) else { return false }
    return growth.bytes <= free(in: capacity).bytes
  }

  private func rounded(_ size: ByteCount, at place: DeviceClass) -> ByteCount {
    storage?.capacity(of: place)?.allocatedSize(for: size) ?? size
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
  /// The properties of a report that decide how much space a booking takes.
  fileprivate struct Sizing: Equatable {
    /// Of each device class, since sizes are rounded to extents.
    var extents: [String]
    var volumes: [String: NodeStorage.Volume]?
  }

  fileprivate var sizing: Sizing {
    let extents = classes.map { "\($0.group)/\($0.isThin)/\($0.extentBytes)" }
    return Sizing(extents: ["\(defaultGroup)/\(isThinByDefault)"] + extents, volumes: volumes)
  }
}

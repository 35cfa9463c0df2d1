package import StorageModel

/// The space that each PV takes on each node.
///
/// PVs are the entries. PVs that are being written have reservations. The ledger is one value with one owner, so two
/// claims cannot get the same space. Nothing is stored; a new owner reads the PVs.
package struct Ledger: Sendable {
  private(set) var accounts: [String: NodeAccount] = [:]
  private var nodes: [String: String] = [:]
  private var reservations: [String: Reservation] = [:]
  private var listings = 0

  /// A booking that no list or watch has shown yet, as far as is known.
  private struct Reservation: Sendable {
    /// The PV that was written; nil while the request is in progress or in doubt.
    var written: Writing?
    /// What lists and watches show under the name. It counts when the reservation ends: because the PV is shown, or
    /// because it will not be written.
    var shown: Booking?
    /// UIDs of the PVs that lists and watches have shown under the name since the reservation.
    var shownUIDs: Set<String> = []
  }

  private struct Writing: Sendable {
    var uid: String
    /// The number of listings that had begun when the write was confirmed.
    var listings: Int
  }

  /// Has no nodes and no bookings.
  package init() {}

  // MARK: Nodes

  /// Sets a node's storage, by the hostname that volumes are pinned to; nil when the node reports none any more. Its
  /// bookings stay.
  package mutating func setStorage(_ storage: NodeStorage?, of node: String) {
    let isKnown = storage?.version == NodeStorage.currentVersion
    accounts[node, default: NodeAccount()].setStorage(isKnown ? storage : nil)
    if accounts[node]?.isEmpty == true { accounts[node] = nil }
  }

  /// The nodes that report storage, sorted.
  package var reportingNodes: [String] { accounts.filter { $0.value.storage != nil }.keys.sorted() }

  /// The free space of a node in a device class.
  package func freeSpace(on node: String, at place: DeviceClass) -> ByteCount {
    guard let account = accounts[node], let capacity = account.storage?.capacity(of: place) else { return .zero }
    return account.freeSpace(in: capacity)
  }

  // MARK: Bookings

  /// The number of bookings.
  package var count: Int { nodes.count }

  /// The booking of a PV; nil when it has none.
  package func booking(of volume: String) -> Booking? { nodes[volume].flatMap { accounts[$0]?.bookings[volume] } }

  /// Checks whether a volume would fit with exactly this booking, whatever its present booking.
  ///
  /// - Throws: ``Shortage`` when it does not fit.
  package func check(_ booking: Booking, for volume: String) throws(Shortage) {
    try (accounts[booking.node] ?? NodeAccount()).check(booking, for: volume)
  }

  /// Checks whether a volume could grow to the requested size of this booking.
  ///
  /// - Returns: whether there is also enough space for all other volumes that are to grow. If not, the first to grow
  ///   gets it.
  /// - Throws: ``Shortage`` when there is not enough space even if no other volume grows.
  package func checkGrowth(_ booking: Booking, for volume: String) throws(Shortage) -> Bool {
    let account = accounts[booking.node] ?? NodeAccount()
    try account.check(booking, for: volume, besideGrowths: false)
    do throws(Shortage) { try account.check(booking, for: volume) } catch { return false }
    return true
  }

  /// Reserves space for a PV that is about to be written. Repeating the same reservation is allowed while the write is
  /// in doubt.
  ///
  /// - Throws: ``Shortage`` when it does not fit. Nothing has changed then.
  package mutating func reserve(_ booking: Booking, for volume: String) throws(Shortage) {
    let booked = self.booking(of: volume)
    if let reservation = reservations[volume], booked == booking, reservation.written == nil { return }
    try check(booking, for: volume)
    enter(booking, for: volume)
    reservations[volume] = Reservation(shown: reservations[volume].map(\.shown) ?? booked)
  }

  /// Records that the PV exists: the API server has created it, or a read has found it.
  ///
  /// - Parameter uid: the UID of the PV. Lists and watches can have shown this PV, and even its end, before this call.
  package mutating func confirm(_ volume: String, uid: String) {
    guard let reservation = reservations[volume] else { return }
    reservations[volume]?.written = Writing(uid: uid, listings: listings)
    if reservation.shownUIDs.contains(uid) { endReservation(of: volume) }
  }

  /// Records that the PV does not exist and will not be created, from the server's answer or because enough time has
  /// passed. What lists and watches show is booked again.
  package mutating func cancel(_ volume: String) { endReservation(of: volume) }

  /// Records the result of reading a PV that was in doubt.
  ///
  /// The read may be older than what a watch has shown meanwhile, in particular the PV's end. So it counts only if
  /// nothing has been shown of the PV since it was reserved.
  package mutating func confirm(_ volume: String, as found: Booking?, uid: String) {
    guard reservations[volume] != nil else { return }
    enter(found, for: volume)
    confirm(volume, uid: uid)
  }

  // MARK: What the API server shows

  /// Records a PV as a list or watch shows it; nil for one without a node.
  ///
  /// It may be an earlier PV of the same name, so the reservation stays until the written PV is seen.
  package mutating func observe(_ booking: Booking?, of volume: String, uid: String) {
    guard let reservation = reservations[volume] else { return enter(booking, for: volume) }
    reservations[volume]?.shown = booking
    reservations[volume]?.shownUIDs.insert(uid)
    if reservation.written?.uid == uid { return endReservation(of: volume) }
    // It may also be the PV of the reservation, and may have grown.
    guard let booking, let reserved = self.booking(of: volume), booking.node == reserved.node else { return }
    if booking.wanted > reserved.wanted { enter(booking, for: volume) }
  }

  /// Records that a watch has shown a PV's end. If a PV of the name is reserved and has not been seen, the end may be
  /// of an earlier one. The space stays reserved until that is known.
  package mutating func forget(_ volume: String) {
    guard reservations[volume] == nil else {
      reservations[volume]?.shown = nil
      return
    }
    enter(nil, for: volume)
  }

  /// Call before a list of all PVs is requested.
  package mutating func beginListing() { listings += 1 }

  /// Call when a list that began after ``beginListing()`` is complete and ``forget(_:)`` has removed the PVs that it
  /// lacks. A PV that was written before the list and has not been seen is gone too.
  package mutating func endListing() {
    for (volume, reservation) in reservations {
      guard let written = reservation.written, written.listings < listings else { continue }
      endReservation(of: volume)
    }
  }

  /// Ends the reservation. Only what lists and watches show counts from now on.
  private mutating func endReservation(of volume: String) {
    guard let reservation = reservations.removeValue(forKey: volume) else { return }
    enter(reservation.shown, for: volume)
  }

  private mutating func enter(_ booking: Booking?, for volume: String) {
    if let node = nodes[volume], node != booking?.node {
      nodes[volume] = nil
      accounts[node]?.set(nil, for: volume)
      if accounts[node]?.isEmpty == true { accounts[node] = nil }
    }
    guard let booking else { return }
    nodes[volume] = booking.node
    accounts[booking.node, default: NodeAccount()].set(booking, for: volume)
  }
}

extension Ledger {
  /// The nodes that PVs have space on.
  package var nodesWithVolumes: Set<String> { Set(nodes.values) }

  /// The PVs that have space on a node, sorted.
  package func volumes(on node: String) -> [String] { accounts[node]?.bookings.keys.sorted() ?? [] }
}

package import StorageModel

/// Who has how much of which node.
///
/// The PVs are the entries; beside them stand reservations for PVs that are being written at this moment. One value, changed
/// by one owner: two claims cannot get the same space. Nothing here is stored: a new owner reads the PVs.
package struct Ledger: Sendable {
  private(set) var accounts: [String: NodeAccount] = [:]
  private var nodes: [String: String] = [:]
  private var reservations: [String: Reservation] = [:]
  private var listings = 0

  /// A booking that no list or watch has shown yet, as far as is known.
  private struct Reservation: Sendable {
    /// What was written; nil while it is being written, or while nobody knows whether it was.
    var written: Writing?
    /// What lists and watches show of the name: it counts when the PV turns out to be shown already, or not to be written.
    var shown: Booking?
    /// Whose it has been since.
    var shownUIDs: Set<String> = []
  }

  private struct Writing: Sendable {
    var uid: String
    /// How many listings had begun when that was known.
    var listings: Int
  }

  package init() {}

  // MARK: Nodes

  /// What a node has, by the hostname that volumes are pinned to; nil when it reports nothing any more. Its bookings stay.
  package mutating func setStorage(_ storage: NodeStorage?, of node: String) {
    let isKnown = storage?.version == NodeStorage.currentVersion
    accounts[node, default: NodeAccount()].setStorage(isKnown ? storage : nil)
    if accounts[node]?.isEmpty == true { accounts[node] = nil }
  }

  /// The nodes that report storage, sorted.
  package var reportingNodes: [String] { accounts.filter { $0.value.storage != nil }.keys.sorted() }

  /// What is left at a place of a node.
  package func freeSpace(on node: String, at place: DeviceClass) -> ByteCount {
    guard let account = accounts[node], let pool = account.storage?.pool(of: place) else { return .zero }
    return account.freeSpace(in: pool)
  }

  // MARK: Bookings

  /// How many volumes are booked.
  package var count: Int { nodes.count }

  package func booking(of volume: String) -> Booking? { nodes[volume].flatMap { accounts[$0]?.bookings[volume] } }

  /// Whether a volume would fit that had exactly this booking, whatever it has now.
  package func check(_ booking: Booking, for volume: String) throws(Shortage) {
    try (accounts[booking.node] ?? NodeAccount()).check(booking, for: volume)
  }

  /// Whether a volume could grow to what this booking wants.
  ///
  /// - Returns: whether there is space for all others that are to grow too. If not, whoever comes first has it.
  /// - Throws: ``Shortage`` when there is no space even if no other volume grows.
  package func checkGrowth(_ booking: Booking, for volume: String) throws(Shortage) -> Bool {
    let account = accounts[booking.node] ?? NodeAccount()
    try account.check(booking, for: volume, besideGrowths: false)
    do throws(Shortage) { try account.check(booking, for: volume) } catch { return false }
    return true
  }

  /// Takes space for a PV that is about to be written. The same again is fine while nobody knows whether it was.
  ///
  /// - Throws: ``Shortage`` when it does not fit; nothing has changed then.
  package mutating func reserve(_ booking: Booking, for volume: String) throws(Shortage) {
    let booked = self.booking(of: volume)
    if let reservation = reservations[volume], booked == booking, reservation.written == nil { return }
    try check(booking, for: volume)
    enter(booking, for: volume)
    reservations[volume] = Reservation(shown: reservations[volume].map(\.shown) ?? booked)
  }

  /// The API server has taken the PV, or has been asked for it and has it.
  ///
  /// - Parameter uid: which of those that have had the name it is. It can have been shown before this is known, its end too.
  package mutating func confirm(_ volume: String, uid: String) {
    guard let reservation = reservations[volume] else { return }
    reservations[volume]?.written = Writing(uid: uid, listings: listings)
    if reservation.shownUIDs.contains(uid) { endReservation(of: volume) }
  }

  /// There is no such PV, and none will come: what was to be written was not, as the server has said or as time has shown. What
  /// is shown is booked again.
  package mutating func cancel(_ volume: String) { endReservation(of: volume) }

  /// A PV that was perhaps written has been read, and is this.
  ///
  /// What has been read may be older than what a watch has shown meanwhile, in particular its end: it counts only where
  /// nothing has been shown of it since it was reserved.
  package mutating func confirm(_ volume: String, as found: Booking?, uid: String) {
    guard reservations[volume] != nil else { return }
    enter(found, for: volume)
    confirm(volume, uid: uid)
  }

  // MARK: What the API server shows

  /// A PV as a list or watch shows it; nil for one without a node.
  ///
  /// It may be an earlier one of the same name: the reservation stands until the one that was written is seen.
  package mutating func observe(_ booking: Booking?, of volume: String, uid: String) {
    guard let reservation = reservations[volume] else { return enter(booking, for: volume) }
    reservations[volume]?.shown = booking
    reservations[volume]?.shownUIDs.insert(uid)
    if reservation.written?.uid == uid { return endReservation(of: volume) }
    // It may be that one all the same, and have grown.
    guard let booking, let reserved = self.booking(of: volume), booking.node == reserved.node else { return }
    if booking.wanted > reserved.wanted { enter(booking, for: volume) }
  }

  /// A watch has shown a PV's end. Where one of the name is being written, or was and has not been seen, that can be a later
  /// one: its space stays taken until it is known which it is.
  package mutating func forget(_ volume: String) {
    guard reservations[volume] == nil else {
      reservations[volume]?.shown = nil
      return
    }
    enter(nil, for: volume)
  }

  /// Call before a list of all PVs is asked for.
  package mutating func beginListing() { listings += 1 }

  /// A list that began after ``beginListing()`` is complete, and what it lacks has been forgotten: what was written before it
  /// and has not been seen is gone too.
  package mutating func endListing() {
    for (volume, reservation) in reservations {
      guard let written = reservation.written, written.listings < listings else { continue }
      endReservation(of: volume)
    }
  }

  /// The reservation is over: what is shown is all there is.
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

import Glibc
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization

/// A stand-in for the API server: HTTP/1.1 on the loopback device, with the part of the API that the daemon uses. PVs
/// are read, listed in pages and watched; the node is read; NodeStorage is read, created and its status patched; Events
/// are accepted.
///
/// It represents another machine: its content comes from the history, so a power cut does not change it.
final class APIStandIn: Sendable {
  /// The address on which it listens.
  enum Address: String, Sendable {
    case four = "127.0.0.1:6443"
    case six = "[::1]:6443"
  }

  struct State {
    var log = ObjectLog()
    var hostname = NodeUnderTest.name
    /// The delay of each answer.
    var delay = Duration.zero
    /// The last sent status of the node's NodeStorage; nil without the object.
    var status: [UInt8]?
    var reports: [VolumeReport] = []
    /// The objects of the Events.
    var events: [String] = []
    /// The number of watches that have begun, each after a complete list, and of those that are open.
    var watches = 0
    var watching = 0
    var address: Address?
    var listener: ListenerBox?
    var peers: Set<Int32> = []
    var onReports: @Sendable ([VolumeReport]) -> Void = { _ in }
  }

  let state = Mutex(State())
  private let pool = WorkerPool(name: "api", limit: 48)

  /// Passes the node's reports to `onReports` from now on.
  func connect(_ onReports: @escaping @Sendable ([VolumeReport]) -> Void) {
    state.withLock { $0.onReports = onReports }
  }

  // MARK: listening

  func listen(at address: Address = .four) throws {
    let box = ListenerBox(try TCPListener(address.rawValue))
    state.withLock { ($0.listener, $0.address) = (box, address) }
    pool.post { [self] in
      while let peer = try? box.listener.accept().release() {
        // The connection was accepted while the stand-in was closing.
        let isThere = state.withLock { state in
          guard state.listener === box else { return false }
          state.peers.insert(peer)
          return true
        }
        guard isThere else {
          close(peer)
          continue
        }
        pool.post { [self] in serve(HTTPPeer(number: peer)) }
      }
    }
  }

  /// Refuses connections from now on, and closes the open ones.
  func goAway() {
    state.withLock { state in
      state.listener?.listener.shutdown()
      (state.listener, state.address) = (nil, nil)
      for peer in state.peers { shutdown(peer, Int32(SHUT_RDWR)) }
    }
  }

  var address: Address? { state.withLock { $0.address } }

  private func serve(_ peer: HTTPPeer) {
    while let request = peer.receive(), answer(request, peer) {}
    state.withLock { _ = $0.peers.remove(peer.number) }
    close(peer.number)
  }

  final class ListenerBox: Sendable {
    let listener: TCPListener

    init(_ listener: consuming TCPListener) { self.listener = listener }
  }
}

// MARK: - Objects

extension APIStandIn {
  func set(_ volume: ShownVolume) { state.withLock { $0.log.set(volume, of: volume.name) } }
  func remove(_ name: String) { state.withLock { $0.log.set(nil, of: name) } }
  func shown(_ name: String) -> ShownVolume? { state.withLock { $0.log[name]?.volume } }

  /// Changes an unused field, so that watches show the PV again.
  func touch(_ name: String) {
    state.withLock { state in
      guard let volume = state.log[name]?.volume else { return }
      state.log.set(volume, of: name)
    }
  }

  /// Replaces the content by the model's.
  func show(_ model: Model, changing change: (ShownVolume) -> ShownVolume? = { $0 }) {
    // A PV with the name of a foreign volume.
    let foreign = Model.Claim(new: Group.foreignClaim)
    let volumes = ([foreign] + model.claims.values).map { ShownVolume($0) }
    state.withLock { $0.log.replace(with: volumes.compactMap(change)) }
  }

  func answer(after delay: Duration) { state.withLock { $0.delay = delay } }
  func setHostname(_ hostname: String) { state.withLock { $0.hostname = hostname } }

  /// Adds foreign PVs, some as large as an API server accepts, and more than fit in a page.
  func addBallast() {
    for number in 0..<312 {
      var volume = ShownVolume(
        Model.Claim(
          new: Operation.NewVolume(
            name: "ballast-\(1000 + number)", fileSystem: "ext4", isThin: false, attaches: false, mebibytes: 1)))
      volume.driver = "example.com/other"
      volume.ballast = number % 26 == 0 ? 400_000 : 0
      set(volume)
    }
  }

  var watches: Int { state.withLock { $0.watches } }
  var isWatched: Bool { state.withLock { $0.watching > 0 } }

  /// The node's last report about a PV.
  func report(of uid: String) -> VolumeReport.State? {
    state.withLock { $0.reports.first { $0.uid == uid }?.state }
  }

  /// The number of Events on an object.
  func events(on name: String) -> Int { state.withLock { $0.events.count { $0 == name } } }
}

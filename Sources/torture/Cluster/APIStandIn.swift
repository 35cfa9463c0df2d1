import Glibc
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization

/// Stands in for the API server: HTTP/1.1 on the loopback device, and of the contract what the daemon uses. PVs are got,
/// listed in pages and watched; the node is got; NodeStorage is got, created and its status patched; Events are taken.
///
/// It is another machine's: what it knows comes from the history, and a power cut takes nothing of it.
final class APIStandIn: Sendable {
  /// Where it listens.
  enum Address: String, Sendable {
    case four = "127.0.0.1:6443"
    case six = "[::1]:6443"
  }

  struct State {
    var log = ObjectLog()
    var hostname = NodeUnderTest.name
    /// How long each answer takes.
    var delay = Duration.zero
    /// The last status of the node's NodeStorage, as it was sent; nil without the object.
    var status: [UInt8]?
    var reports: [VolumeReport] = []
    /// The objects that Events were about.
    var events: [String] = []
    /// How many watches have begun, each behind a whole list, and how many there are.
    var watches = 0
    var watching = 0
    var address: Address?
    var listener: ListenerBox?
    var peers: Set<Int32> = []
    var onReports: @Sendable ([VolumeReport]) -> Void = { _ in }
  }

  let state = Mutex(State())
  private let pool = WorkerPool(name: "api", limit: 48)

  /// From now on reports of the node go there.
  func connect(_ onReports: @escaping @Sendable ([VolumeReport]) -> Void) {
    state.withLock { $0.onReports = onReports }
  }

  // MARK: being there

  func listen(at address: Address = .four) throws {
    let box = ListenerBox(try TCPListener(address.rawValue))
    state.withLock { ($0.listener, $0.address) = (box, address) }
    pool.post { [self] in
      while let peer = try? box.listener.accept().release() {
        // Accepted in the moment in which it went away.
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

  /// Refuses connections from now on, and drops those that there are.
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

// MARK: - What it has

extension APIStandIn {
  func set(_ volume: ShownVolume) { state.withLock { $0.log.set(volume, of: volume.name) } }
  func remove(_ name: String) { state.withLock { $0.log.set(nil, of: name) } }
  func shown(_ name: String) -> ShownVolume? { state.withLock { $0.log[name]?.volume } }

  /// Something that nobody reads changes, so that watches show the PV again.
  func touch(_ name: String) {
    state.withLock { state in
      guard let volume = state.log[name]?.volume else { return }
      state.log.set(volume, of: name)
    }
  }

  /// Has what the model has, and nothing else.
  func show(_ model: Model, changing change: (ShownVolume) -> ShownVolume? = { $0 }) {
    // A PV of the name of a volume that is not ours.
    let foreign = Model.Claim(new: Group.foreignClaim)
    let volumes = ([foreign] + model.claims.values).map { ShownVolume($0) }
    state.withLock { $0.log.replace(with: volumes.compactMap(change)) }
  }

  func answer(after delay: Duration) { state.withLock { $0.delay = delay } }
  func setHostname(_ hostname: String) { state.withLock { $0.hostname = hostname } }

  /// PVs of others, some as large as an API server takes them, and more than there are in a page.
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

  /// What the node has said of a PV last.
  func report(of uid: String) -> VolumeReport.State? {
    state.withLock { $0.reports.first { $0.uid == uid }?.state }
  }

  /// How many Events there have been.
  func events(on name: String) -> Int { state.withLock { $0.events.count { $0 == name } } }
}

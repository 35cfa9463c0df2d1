import Glibc
import LinuxSystem
import NodeProtocol
import Synchronization

/// Callers of the daemon that send nothing, stop in the middle of a request, or do not read their answers. No other
/// caller may notice them.
final class RudePeers: Sendable {
  private let peers = Mutex<[Int32]>([])

  private static let ofEachKind = 60

  func come(to place: Daemon.Place) throws {
    let question = Request(["status"]).encoded()
    for _ in 0..<Self.ofEachKind {
      try come(to: place, saying: [])
      try come(to: place, saying: Array(question.dropLast(4)))
      try come(to: place, saying: question)
      let page = try TCPPeer.connect(port: Daemon.metricsPort)
      try StreamIO.writeAll(page, Array("GET /metrics HTTP/1.1\r\n\r\n".utf8), deadline: .seconds(5))
      keep(page)
    }
  }

  func comeSilently(_ count: Int, to place: Daemon.Place) throws {
    for _ in 0..<count { try come(to: place, saying: []) }
  }

  func leave() {
    for peer in peers.withLock({ peers in
      defer { peers = [] }; return peers
    }) { close(peer) }
  }

  private func come(to place: Daemon.Place, saying bytes: [UInt8]) throws {
    let peer = try UnixSocket.connect(path: place.socket)
    if !bytes.isEmpty { try StreamIO.writeAll(peer, bytes, deadline: .seconds(5)) }
    keep(peer)
  }

  private func keep(_ peer: consuming Descriptor) {
    let number = peer.release()
    peers.withLock { $0.append(number) }
  }
}

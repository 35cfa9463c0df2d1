import Glibc
import LinuxSystem
import NodeProtocol
import StorageModel

/// Checks that the daemon answers requests that need no disk: an operator's, and kubelet's health probe.
struct Answering: Sendable {
  let node: NodeUnderTest

  /// On a busy machine the daemon may be slow. A request that waits for a disk or another caller would never end.
  private static let limit = 20

  func require(_ when: String) async throws {
    var caller = node.caller
    caller.timeout = Self.limit
    let status = await caller.ask("status")
    guard status.isSuccess else { throw Finding("\(when) status has no answer: \(status)") }
    let answer = try await Self.pool.run { () throws(SystemError) in try Self.health() }
    guard answer.hasSuffix("ok\n") else { throw Finding("\(when) health has no answer: \(answer)") }
  }

  /// Waits until the daemon can read the group again. The daemon probes an unreadable group every few seconds.
  func waitForGroup() async throws {
    let limit = MonotonicClock.now() + .seconds(30)
    while node.daemon?.isRunning == true {
      let report = try await report()
      if report.groups.allSatisfy({ $0.trouble == nil }) { return }
      guard MonotonicClock.now() < limit else {
        throw Finding("the daemon has descriptors again, and no group: \(report.groups.compactMap(\.trouble))")
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  private func report() async throws -> DaemonStatus {
    let socket = node.place.socket
    do throws(VolumeError) {
      let reply = try await Self.pool.run { () throws(VolumeError) in
        try NodeClient.call(Request(["status"]), socket: socket, deadline: .seconds(Self.limit))
      }
      if let report = reply.report { return report }
      throw VolumeError(.unavailable, reply.message ?? reply.status)
    } catch {
      throw Finding("the daemon has descriptors again, and status has no answer: \(error.message)")
    }
  }

  private static let pool = WorkerPool(name: "health", limit: 2)

  private static func health() throws(SystemError) -> String {
    let peer = try TCPPeer.connect(port: Daemon.metricsPort)
    try StreamIO.writeAll(peer, Array("GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n".utf8), deadline: .seconds(5))
    let number = peer.rawValue
    var limit = timeval(tv_sec: Int(Self.limit), tv_usec: 0)
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(number, &buffer, buffer.count, 0)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }
}

/// Connections to a port of this machine.
enum TCPPeer {
  static func connect(port: UInt16) throws(SystemError) -> Descriptor {
    let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { throw SystemError(operation: "make socket", subject: "\(port)", errno: .current) }
    let peer = Descriptor(adopting: made)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(made, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw SystemError(operation: "connect to", subject: "\(port)", errno: .current) }
    return peer
  }
}

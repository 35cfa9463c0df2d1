internal import Glibc

/// A connection of a ``RequestLoop``; its thread's alone. Closed with the last reference.
final class Connection {
  enum Phase {
    /// With what has come so far.
    case reading([UInt8])
    /// The handler has the request.
    case answering
    /// With what is left to be sent.
    case writing(ArraySlice<UInt8>, of: RequestInbox.Reply)
    /// The reply is sent; what the peer still sends is dropped.
    case lingering
    case closed
  }

  let id: UInt64
  let source: UInt64
  var phase = Phase.reading([])
  var deadline: Duration?
  var whenGone: (@Sendable () -> Void)?
  /// What is being read behind a reply; nil before the first reply.
  var next: NextRequest?
  private let arrival: Arrival

  init(_ id: UInt64, _ arrival: Arrival, until deadline: Duration) {
    self.id = id
    self.arrival = arrival
    self.deadline = deadline
    source = arrival.source
  }

  var number: Int32 { arrival.socket.rawValue }

  /// The event to wait for. While the handler works: none. poll(2) reports a departed peer in any case.
  var awaited: Int16 {
    switch phase {
    case .reading, .lingering: Int16(POLLIN)
    case .writing: Int16(POLLOUT)
    case .answering, .closed: 0
    }
  }

  /// What has come; empty at the end, nil when there is nothing yet.
  func receive() throws(FrameError) -> [UInt8]? {
    do throws(SystemError) {
      return try StreamIO.receiveNow(arrival.socket, upTo: 16 << 10)
    } catch {
      switch error.errno {
      case .wouldBlock: return nil
      case .connectionReset: return []
      default: throw .system(error)
      }
    }
  }

  /// Sends what the peer takes now and returns the rest; nil when the peer is gone.
  func send(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var rest = bytes
    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
    while !rest.isEmpty {
      do throws(SystemError) {
        let count = try retryingInterrupts("send", "") {
          rest.withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, flags) }
        }
        rest = rest.dropFirst(count)
      } catch {
        return error.errno == .wouldBlock ? rest : nil
      }
    }
    return rest
  }

  /// Takes nothing more. What the peer has sent before can still be received, and it cannot send any more: the kernel orders
  /// the two (`unix_shutdown` and `unix_stream_sendmsg`, net/unix/af_unix.c of Linux 6.1).
  func endReading() throws(SystemError) { try UnixSocket.endReading(arrival.socket) }

  func endWriting() { Glibc.shutdown(number, Int32(SHUT_WR)) }

  /// False when no more will come.
  func dropInput() -> Bool {
    // 64 KiB a turn: a peer that sends without end shall not hold the others up.
    for _ in 0..<4 {
      do throws(FrameError) {
        guard let chunk = try receive() else { return true }
        if chunk.isEmpty { return false }
      } catch {
        return false
      }
    }
    return true
  }
}

/// The connections of a loop, the oldest first.
struct Connections {
  private var byID: [UInt64: Connection] = [:]

  var count: Int { byID.count }
  var all: [Connection] { byID.values.sorted { $0.id < $1.id } }

  subscript(id: UInt64) -> Connection? { byID[id] }

  mutating func add(_ connection: Connection) { byID[connection.id] = connection }

  /// False when it was removed before.
  mutating func remove(_ connection: Connection) -> Bool { byID.removeValue(forKey: connection.id) != nil }

  /// The connection to close when there are too many: the oldest of the source that has most of them, so that whoever opens
  /// many closes their own.
  func victim() -> Connection? {
    let bySource = Dictionary(grouping: byID.values, by: \.source)
    return bySource.values.max { ($0.count, $1.oldest) < ($1.count, $0.oldest) }?.min { $0.id < $1.id }
  }
}

extension [Connection] {
  fileprivate var oldest: UInt64 { map(\.id).min() ?? 0 }
}

internal import Glibc

/// A connection of a ``RequestLoop``. Used on the loop's thread only. Closed when the last reference is released.
final class Connection {
  enum Phase {
    /// Reading the request, with the bytes received so far.
    case reading([UInt8])
    /// The handler has the request.
    case answering
    /// Sending the reply, with the bytes not sent yet.
    case writing(ArraySlice<UInt8>, of: RequestInbox.Reply)
    /// The reply is sent. What the peer still sends is dropped.
    case lingering
    case closed
  }

  let id: UInt64
  let source: UInt64
  var phase = Phase.reading([])
  var deadline: Duration?
  var whenGone: (@Sendable () -> Void)?
  /// The request expected after the reply. Nil before the first reply.
  var next: NextRequest?
  private let arrival: Arrival

  init(_ id: UInt64, _ arrival: Arrival, until deadline: Duration) {
    self.id = id
    self.arrival = arrival
    self.deadline = deadline
    source = arrival.source
  }

  var number: Int32 { arrival.socket.rawValue }

  /// The poll(2) event to wait for. None while the handler works: poll(2) reports a peer that has gone in any case.
  var awaited: Int16 {
    switch phase {
    case .reading, .lingering: Int16(POLLIN)
    case .writing: Int16(POLLOUT)
    case .answering, .closed: 0
    }
  }

  /// Receives what has come, without waiting. Returns an empty array at the end and nil if there is nothing yet.
  ///
  /// - Throws: the error of recv(2); not `ECONNRESET`, which counts as the end.
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

  /// Sends what the peer takes now and returns the rest. Nil if the peer has gone.
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

  /// Stops receiving. Bytes sent before can still be received; later sends of the peer fail. The kernel orders the two
  /// (`unix_shutdown` and `unix_stream_sendmsg`, net/unix/af_unix.c of Linux 6.1).
  ///
  /// - Throws: the error of shutdown(2).
  func endReading() throws(SystemError) { try UnixSocket.endReading(arrival.socket) }

  func endWriting() { Glibc.shutdown(number, Int32(SHUT_WR)) }

  /// Drops what the peer has sent. Returns false if no more will come.
  func dropInput() -> Bool {
    // At most 64 KiB a turn, so that a peer that never stops sending does not delay the others.
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

/// The open connections of a loop. ``all`` lists the oldest first.
struct Connections {
  private var byID: [UInt64: Connection] = [:]

  var count: Int { byID.count }
  var all: [Connection] { byID.values.sorted { $0.id < $1.id } }

  subscript(id: UInt64) -> Connection? { byID[id] }

  mutating func add(_ connection: Connection) { byID[connection.id] = connection }

  /// Returns false if the connection was removed before.
  mutating func remove(_ connection: Connection) -> Bool { byID.removeValue(forKey: connection.id) != nil }

  /// Returns the connection to close when there are too many: the oldest connection of the source with the most
  /// connections. A source that opens many closes its own.
  func victim() -> Connection? {
    let bySource = Dictionary(grouping: byID.values, by: \.source)
    return bySource.values.max { ($0.count, $1.oldest) < ($1.count, $0.oldest) }?.min { $0.id < $1.id }
  }
}

extension [Connection] {
  fileprivate var oldest: UInt64 { map(\.id).min() ?? 0 }
}

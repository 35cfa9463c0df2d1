internal import CLinux
internal import Glibc

/// The process at the other end of a Unix socket, as the kernel recorded it at connect(2) or listen(2).
package struct PeerCredentials: Hashable, Sendable {
  /// The process ID. 0 if the process is in a PID namespace that this one does not see.
  package let pid: Int32
  /// The effective user ID.
  package let uid: UInt32
  /// The effective group ID.
  package let gid: UInt32
}

/// Unix stream sockets, unix(7).
package enum UnixSocket {
  /// Connects to a listener. Blocks while its backlog is full.
  ///
  /// - Throws: `ENOENT` if there is no socket, `ECONNREFUSED` if there is no listener; otherwise the error of
  ///   connect(2).
  package static func connect(path: String) throws(SystemError) -> Descriptor {
    let socket = try make(subject: path)
    let address = try SocketAddress(path: path)
    let number = socket.rawValue
    try retryingInterrupts("connect to", path) { address.with { Glibc.connect(number, $0, $1) } }
    return socket
  }

  /// Creates two connected sockets, socketpair(2).
  ///
  /// - Throws: the error of socketpair(2).
  package static func pair() throws(SystemError) -> SocketPair { try SocketPair() }

  /// Returns the process at the other end, `SO_PEERCRED`. Does not block.
  ///
  /// - Throws: the error of getsockopt(2).
  package static func peerCredentials(_ socket: borrowing Descriptor) throws(SystemError) -> PeerCredentials {
    let number = socket.rawValue
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
    try retryingInterrupts("read peer credentials", "") {
      clinux_peer_credentials(number, &process, &user, &group)
    }
    return PeerCredentials(pid: process, uid: user, gid: group)
  }

  /// Ends writing, shutdown(2). The peer reads to the end and can still reply.
  ///
  /// - Throws: the error of shutdown(2).
  package static func endWriting(_ socket: borrowing Descriptor) throws(SystemError) {
    let number = socket.rawValue
    try retryingInterrupts("end writing", "") { shutdown(number, Int32(SHUT_WR)) }
  }

  /// Ends reading, shutdown(2). Bytes sent before can still be received; later sends of the peer fail with `EPIPE`. The
  /// kernel orders the two.
  ///
  /// - Throws: the error of shutdown(2).
  package static func endReading(_ socket: borrowing Descriptor) throws(SystemError) {
    let number = socket.rawValue
    try retryingInterrupts("end reading", "") { shutdown(number, Int32(SHUT_RD)) }
  }

  static let streamType = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

  static func make(subject: String) throws(SystemError) -> Descriptor {
    Descriptor(adopting: try retryingInterrupts("make socket for", subject) { socket(AF_UNIX, streamType, 0) })
  }
}

/// Two connected Unix stream sockets.
package struct SocketPair: ~Copyable, Sendable {
  /// One end.
  package let first: Descriptor
  /// The other end.
  package let second: Descriptor

  init() throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    try retryingInterrupts("make socket pair", "") { socketpair(AF_UNIX, UnixSocket.streamType, 0, &ends) }
    first = Descriptor(adopting: ends[0])
    second = Descriptor(adopting: ends[1])
  }
}

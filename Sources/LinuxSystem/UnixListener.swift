internal import CLinux
internal import Glibc

/// A listening Unix stream socket at a path.
///
/// The file stays when this value ends: the next listener replaces it, and removing it could hit that one's.
package struct UnixListener: ~Copyable, Sendable {
  private let socket: Descriptor
  private let path: String
  /// The socket's file.
  package let file: FileIdentity

  /// Listens at `path`, replacing a socket of an earlier process.
  ///
  /// The socket is bound at a temporary name in the same directory, gets exactly `mode`, listens, and is renamed
  /// into place: at no time can anybody connect who should not, or find neither the old nor the new one.
  package init(path: String, mode: UInt32 = 0o600, backlog: Int32 = 128) throws(SystemError) {
    let socket = try UnixSocket.make(subject: path)
    let temporary = Files.join(Files.parent(of: path), Files.temporaryName())
    let file: FileIdentity?
    do throws(SystemError) {
      try Self.bind(socket.rawValue, at: temporary, mode: mode, subject: path)
      let number = socket.rawValue
      try retryingInterrupts("listen at", path) { listen(number, backlog) }
      file = try Files.identity(of: temporary)
      try retryingInterrupts("rename socket to", path) { rename(temporary, path) }
    } catch {
      unlink(temporary)
      throw error
    }
    guard let file else { throw SystemError(operation: "find own socket at", subject: path, errno: .noEntry) }
    self.socket = socket
    self.path = path
    self.file = file
  }

  private static func bind(_ socket: Int32, at path: String, mode: UInt32, subject: String) throws(SystemError) {
    let address = try SocketAddress(path: path)
    try retryingInterrupts("bind socket at", subject) { address.with { Glibc.bind(socket, $0, $1) } }
    try retryingInterrupts("chmod", subject) { chmod(path, mode_t(mode)) }
  }

  /// The next connection. Blocks until there is one; after `shutdown` it fails with `EINVAL`. `EMFILE` and the like
  /// come through: wait a moment before the next call.
  package borrowing func accept() throws(SystemError) -> Descriptor {
    let number = socket.rawValue
    while true {
      do throws(SystemError) {
        return Descriptor(adopting: try retryingInterrupts("accept at", path) { clinux_accept(number) })
      } catch {
        // The client went away before its turn.
        guard error.errno == .connectionAborted else { throw error }
      }
    }
  }

  /// Ends accepting for good, and wakes the thread that is in `accept`. Connections in the backlog are refused. Again
  /// is harmless.
  package borrowing func shutdown() { Glibc.shutdown(socket.rawValue, Int32(SHUT_RDWR)) }
}

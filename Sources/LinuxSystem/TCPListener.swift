internal import CLinux
internal import Glibc

/// A listening TCP socket, for metrics and health.
package struct TCPListener: ~Copyable, Sendable {
  private let socket: Descriptor
  private let subject: String

  /// Listens at a numeric address and a port: `127.0.0.1:9808`, `[::1]:9808`, or `:9808` for all addresses of this
  /// machine. `EINVAL` when the text is none of these. Port 0 takes any free one, see ``port``.
  package init(_ text: String) throws(SystemError) {
    guard let colon = text.lastIndex(of: ":"), UInt16(text[text.index(after: colon)...]) != nil else {
      throw SystemError(operation: "listen at", subject: text, errno: .invalid)
    }
    let port = String(text[text.index(after: colon)...])
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host.isEmpty ? nil : host, port, &hints, &list) == 0, let first = list else {
      throw SystemError(operation: "listen at", subject: text, errno: .invalid)
    }
    defer { freeaddrinfo(list) }
    socket = try Self.listening(first.pointee, subject: text)
    subject = text
  }

  private static func listening(_ address: addrinfo, subject: String) throws(SystemError) -> Descriptor {
    let type = address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
    let made = try retryingInterrupts("make socket for", subject) {
      Glibc.socket(address.ai_family, type, address.ai_protocol)
    }
    let socket = Descriptor(adopting: made)
    var one: Int32 = 1
    // Without this a restart would have to wait for connections of the last run to time out.
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    try retryingInterrupts("bind", subject) { Glibc.bind(made, address.ai_addr, address.ai_addrlen) }
    try retryingInterrupts("listen at", subject) { listen(made, 16) }
    return socket
  }

  /// The port that is listened at.
  package borrowing func port() throws(SystemError) -> UInt16 {
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let number = socket.rawValue
    try retryingInterrupts("read address of", subject) {
      withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
      }
    }
    // The port stands at the same place in both address families.
    return UInt16(bigEndian: address.sin6_port)
  }

  /// The next connection. Blocks; fails with `EINVAL` after ``shutdown()``.
  package borrowing func accept() throws(SystemError) -> Descriptor {
    let number = socket.rawValue
    while true {
      do throws(SystemError) {
        return Descriptor(adopting: try retryingInterrupts("accept at", subject) { clinux_accept(number) })
      } catch {
        guard error.errno == .connectionAborted else { throw error }
      }
    }
  }

  /// Ends accepting for good and wakes the thread that is in `accept`.
  package borrowing func shutdown() { Glibc.shutdown(socket.rawValue, Int32(SHUT_RDWR)) }
}

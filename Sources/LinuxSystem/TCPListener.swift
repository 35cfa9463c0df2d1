internal import CLinux
internal import Glibc

/// A listening TCP socket, for metrics and health.
package struct TCPListener: ~Copyable, Sendable {
  private let socket: Descriptor
  private let subject: String

  /// A connection and its origin.
  package struct Accepted: ~Copyable, Sendable {
    /// The connection.
    package var connection: Descriptor
    /// The peer's address as a number. For IPv6 it is the first 64 bits: one host has all addresses below them.
    package let source: UInt64

    /// Returns the connection without its origin.
    package consuming func take() -> Descriptor { connection }
  }

  /// Listens at a numeric address and a port: `127.0.0.1:9808`, `[::1]:9808`, or `:9808` and `[::]:9808` for all IPv6
  /// and IPv4 addresses of this machine. Port 0 takes any free port, see ``port()``.
  ///
  /// - Throws: `EINVAL` if the text has none of these forms; otherwise the error of socket(2), bind(2) or listen(2),
  ///   such as `EADDRINUSE`.
  package init(_ text: String) throws(SystemError) {
    socket = try Self.listening(at: text)
    subject = text
  }

  private static func listening(at text: String) throws(SystemError) -> Descriptor {
    guard let colon = text.lastIndex(of: ":"), UInt16(text[text.index(after: colon)...]) != nil else {
      throw SystemError(operation: "listen at", subject: text, errno: .invalid)
    }
    let port = String(text[text.index(after: colon)...])
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard host.isEmpty else { return try listening(host, port, subject: text) }
    do throws(SystemError) {
      return try listening("::", port, subject: text)
    } catch {
      // The kernel has no IPv6, or it is disabled.
      guard [.addressFamilyNotSupported, .addressNotAvailable].contains(error.errno) else { throw error }
      return try listening("0.0.0.0", port, subject: text)
    }
  }

  private static func listening(_ host: String, _ port: String, subject: String) throws(SystemError) -> Descriptor {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, port, &hints, &list) == 0, let first = list else {
      throw SystemError(operation: "listen at", subject: subject, errno: .invalid)
    }
    defer { freeaddrinfo(list) }
    return try listening(first.pointee, subject: subject)
  }

  private static func listening(_ address: addrinfo, subject: String) throws(SystemError) -> Descriptor {
    let type = address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
    let made = try retryingInterrupts("make socket for", subject) {
      Glibc.socket(address.ai_family, type, address.ai_protocol)
    }
    let socket = Descriptor(adopting: made)
    // Without this a restart would wait until connections of the last run time out.
    try set(made, SOL_SOCKET, SO_REUSEADDR, to: 1, subject)
    // `::` includes IPv4, whatever /proc/sys/net/ipv6/bindv6only is.
    if address.ai_family == AF_INET6 { try set(made, Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: 0, subject) }
    try retryingInterrupts("bind", subject) { Glibc.bind(made, address.ai_addr, address.ai_addrlen) }
    try retryingInterrupts("listen at", subject) { listen(made, backlog) }
    return socket
  }

  /// The most connections that the kernel keeps until they are accepted. net.core.somaxconn can lower it.
  private static let backlog: Int32 = 1024

  private static func set(
    _ socket: Int32, _ level: Int32, _ option: Int32, to value: Int32, _ subject: String
  ) throws(SystemError) {
    var value = value
    try retryingInterrupts("set up", subject) {
      setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  /// Returns the port of the listener.
  ///
  /// - Throws: the error of getsockname(2).
  package borrowing func port() throws(SystemError) -> UInt16 {
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let number = socket.rawValue
    try retryingInterrupts("read address of", subject) {
      withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
      }
    }
    // The port is at the same offset in both address families.
    return UInt16(bigEndian: address.sin6_port)
  }

  /// Returns the next connection. Blocks.
  ///
  /// - Throws: `EINVAL` after ``shutdown()``; otherwise the error of accept(2).
  package borrowing func accept() throws(SystemError) -> Descriptor { try acceptFromPeer().take() }

  /// Returns the next connection and its origin. Blocks.
  ///
  /// - Throws: `EINVAL` after ``shutdown()``; otherwise the error of accept(2).
  package borrowing func acceptFromPeer() throws(SystemError) -> Accepted {
    let number = socket.rawValue
    while true {
      var source: UInt64 = 0
      do throws(SystemError) {
        let accepted = try retryingInterrupts("accept at", subject) { clinux_accept_from(number, &source) }
        return Accepted(connection: Descriptor(adopting: accepted), source: source)
      } catch {
        guard error.errno == .connectionAborted else { throw error }
      }
    }
  }

  /// Stops accepting for good and wakes the thread in `accept`.
  package borrowing func shutdown() { Glibc.shutdown(socket.rawValue, Int32(SHUT_RDWR)) }
}

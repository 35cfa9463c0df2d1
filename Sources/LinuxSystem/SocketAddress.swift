internal import Glibc

/// The address of a Unix socket, unix(7). The path may be long if its last component is short.
///
/// `sun_path` holds 107 bytes and a NUL. A longer path is replaced by `/proc/self/fd/N/name`, where N is its directory.
/// A name too long for that is `ENAMETOOLONG`. Use the address while this value is alive.
struct SocketAddress: ~Copyable {
  private let directory: Descriptor?
  private let path: String

  private static let limit = 107

  init(path: String) throws(SystemError) {
    if path.utf8.count <= Self.limit {
      directory = nil
      self.path = path
      return
    }
    let above = try Descriptor.open(Files.parent(of: path), O_RDONLY | O_DIRECTORY)
    let short = "/proc/self/fd/\(above.rawValue)/\(Files.lastComponent(of: path))"
    guard short.utf8.count <= Self.limit else {
      throw SystemError(operation: "use as socket path", subject: path, errno: .nameTooLong)
    }
    directory = consume above
    self.path = short
  }

  /// Calls bind(2) or connect(2) with the address.
  func with<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(Self.limit)) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}

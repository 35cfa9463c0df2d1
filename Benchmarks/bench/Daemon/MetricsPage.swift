import Glibc
import LinuxSystem

/// Reads a program's metrics through a socket, because a process such as curl would disturb the measurement.
enum MetricsPage {
  /// Blocks, at most 10 s for each piece of the reply.
  static func read(port: UInt16) throws -> Metrics {
    let connection = try connect(port)
    try StreamIO.writeAll(
      connection, Array("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8),
      deadline: .seconds(10))
    let reply = String(decoding: try readAll(connection, port), as: UTF8.self)
    guard reply.hasPrefix("HTTP/1.1 200 ") else {
      throw NotMeasured("no metrics at port \(port): \(reply.prefix { !$0.isNewline })")
    }
    return Metrics(reply)
  }

  private static func connect(_ port: UInt16) throws -> Descriptor {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let number = socket(AF_INET, type, 0)
    guard number >= 0 else { throw failure("make socket for", port) }
    let connection = Descriptor(adopting: number)
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw failure("connect to", port) }
    return connection
  }

  private static func readAll(_ connection: borrowing Descriptor, _ port: UInt16) throws -> [UInt8] {
    var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while true {
      let count = recv(connection.rawValue, &chunk, chunk.count, 0)
      guard count >= 0 else { throw failure("read metrics from", port) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
  }

  private static func failure(_ operation: String, _ port: UInt16) -> SystemError {
    SystemError(operation: operation, subject: "127.0.0.1:\(port)", errno: .current)
  }
}

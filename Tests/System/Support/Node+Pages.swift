import Glibc
import LinuxSystem
import Testing

extension Node {
  /// Where the daemon answers to `/metrics` and `/healthz`, as it has logged.
  var pagesPort: UInt16 {
    get throws {
      let line = try #require(log.split(separator: "\n").last { $0.contains(" serving ") })
      let word = try #require(line.split(separator: " ").first { $0.hasPrefix("metrics=") })
      return try #require(UInt16(word.dropFirst("metrics=".count)))
    }
  }

  /// A connection to that port, by IPv4.
  func connectToPages() throws -> RawCall {
    let port = try pagesPort
    let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    #expect(result == 0, "no connection to port \(port)")
    return RawCall(adopting: descriptor)
  }

  /// GET over a connection of its own.
  func page(_ path: String) throws -> String {
    let call = try connectToPages()
    try call.send(Array("GET \(path) HTTP/1.1\r\nHost: lab\r\n\r\n".utf8))
    return call.receiveAll(seconds: 10)
  }
}

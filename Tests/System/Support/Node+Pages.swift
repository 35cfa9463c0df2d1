import Glibc
import LinuxSystem
import Testing

extension Node {
  /// What the daemon answers to a GET, over a connection of its own. Needs `--metrics-address 127.0.0.1:0`.
  func page(_ path: String) throws -> String {
    let line = try #require(log.split(separator: "\n").last { $0.contains(" serving ") })
    let word = try #require(line.split(separator: " ").first { $0.hasPrefix("metrics=") })
    let port = try #require(UInt16(word.dropFirst("metrics=".count)))
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
    try #require(result == 0, "no connection to port \(port)")
    let call = RawCall(adopting: descriptor)
    try call.send(Array("GET \(path) HTTP/1.1\r\nHost: lab\r\n\r\n".utf8))
    return call.receiveAll(seconds: 10)
  }
}

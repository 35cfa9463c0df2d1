import Foundation
import Glibc
import LinuxSystem

/// A connection to the daemon's socket that is used as no client of ours would.
final class RawCall {
  private let descriptor: Int32
  private var isOpen = true

  init(_ socket: String) throws {
    descriptor = try UnixSocket.connect(path: socket).release()
  }

  /// A connection that was made otherwise.
  init(adopting descriptor: Int32) { self.descriptor = descriptor }

  deinit { close() }

  /// A request as the client sends it; more keys may be added.
  static func frame(_ arguments: [String], version: Int = 1, extra: [String: Any] = [:]) throws -> [UInt8] {
    let object = extra.merging(["version": version, "arguments": arguments]) { $1 }
    return Array(try JSONSerialization.data(withJSONObject: object, options: [.withoutEscapingSlashes])) + [10]
  }

  /// Sends as much as the daemon takes.
  @discardableResult
  func send(_ bytes: [UInt8]) throws -> Int {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return sent }
      sent += count
    }
    return sent
  }

  func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Everything the daemon says until it closes, or until the time is up.
  func receiveAll(seconds: Double = 15) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while poll(&entry, 1, Int32(seconds * 1000)) > 0 {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count <= 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  func close() {
    if isOpen { Glibc.close(descriptor) }
    isOpen = false
  }

  /// One whole exchange.
  static func exchange(_ bytes: [UInt8], _ socket: String) throws -> String {
    let call = try RawCall(socket)
    try call.send(bytes)
    return call.receiveAll()
  }
}

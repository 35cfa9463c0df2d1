import Glibc
import LinuxSystem

/// Reads and writes a device's bytes, as an administrator or a fault does.
enum BlockDeviceWriting {
  /// Overwrites the beginning, and flushes it to the disk.
  static func overwrite(_ path: String, with bytes: [UInt8]) throws {
    let file = try Descriptor.open(path, O_WRONLY)
    let number = file.rawValue
    let count = bytes.withUnsafeBytes { pwrite(number, $0.baseAddress, $0.count, 0) }
    guard count == bytes.count, fsync(number) == 0 else {
      throw SystemError(operation: "write", subject: path, errno: .current)
    }
  }

  static func beginning(of path: String, bytes: Int) throws -> [UInt8] {
    let file = try Descriptor.open(path, O_RDONLY)
    let number = file.rawValue
    var result = [UInt8](repeating: 0, count: bytes)
    let count = result.withUnsafeMutableBytes { pread(number, $0.baseAddress, bytes, 0) }
    guard count == bytes else { throw SystemError(operation: "read", subject: path, errno: .current) }
    return result
  }
}

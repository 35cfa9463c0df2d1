import Glibc
import LinuxSystem
import StorageModel

/// A file that a pod wrote, by which its data is known again.
struct Marker: Equatable, CustomStringConvertible {
  let bytes: [UInt8]
  let description: String

  init(seed: UInt64) {
    description = "marker \(seed)"
    var state = seed
    bytes = (0..<(64 << 10)).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
  }

  /// Writes it, down to the disk.
  func write(in directory: String, named name: String = "marker") throws {
    try overwrite(directory + "/" + name, with: bytes, at: 0)
  }

  /// Whether it is there, whole and unchanged.
  func isIn(_ directory: String, named name: String = "marker") -> Bool {
    (try? Files.readAll(directory + "/" + name)) == bytes
  }
}

/// Overwrites a part of a device or file, made where it is missing, and waits until that is on the disk.
func overwrite(_ path: String, with bytes: [UInt8], at offset: UInt64) throws {
  let file = try Descriptor.open(path, O_WRONLY | O_CREAT, mode: 0o644)
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes {
      pwrite(file.rawValue, $0.baseAddress?.advanced(by: written), $0.count - written, off_t(offset) + off_t(written))
    }
    guard count > 0 else { throw SystemError(operation: "write", subject: path, errno: .current) }
    written += count
  }
  guard fsync(file.rawValue) == 0 else { throw SystemError(operation: "fsync", subject: path, errno: .current) }
}

/// The error of an attempt to write into a directory; nil when it can be written to.
func writeError(in directory: String) -> Errno? {
  do throws(SystemError) {
    _ = try Descriptor.open(directory + "/attempt", O_WRONLY | O_CREAT, mode: 0o644)
    unlink(directory + "/attempt")
    return nil
  } catch {
    return error.errno
  }
}

/// Size of the file system that a directory is on.
func capacity(of directory: String) throws -> UInt64 { try Files.space(at: directory).capacity.bytes }

internal import CLinux
internal import Glibc
package import StorageModel

/// Reads facts and contents of block devices. Every function blocks until the device answers, unless it says otherwise.
package enum BlockDevice {
  /// Returns the device number of the block device at a path. Follows symbolic links, stat(2). Does not touch the
  /// device.
  ///
  /// - Throws: `ENOTBLK` if the path is not a block device; otherwise the error of stat(2).
  package static func number(of path: String) throws(SystemError) -> DeviceNumber {
    var status = stat()
    try retryingInterrupts("stat", path) { stat(path, &status) }
    guard case .blockDevice(let number) = FileKind(status) else {
      throw SystemError(operation: "find block device", subject: path, errno: .notBlockDevice)
    }
    return number
  }

  /// Returns the size of a block device, `BLKGETSIZE64`.
  ///
  /// - Throws: `ENOTBLK` if the path is not a block device; otherwise the error of open(2) or ioctl(2).
  package static func size(of path: String) throws(SystemError) -> ByteCount {
    _ = try number(of: path)
    let device = try Descriptor.open(path, O_RDONLY)
    let descriptor = device.rawValue
    var bytes: UInt64 = 0
    try retryingInterrupts("read size of", path) { clinux_block_size(descriptor, &bytes) }
    return ByteCount(bytes)
  }

  /// Flushes a device or file to stable storage, fsync(2). Blocks until all data written before is there.
  ///
  /// - Throws: the error of open(2) or fsync(2).
  package static func sync(_ path: String) throws(SystemError) {
    try Descriptor.open(path, O_RDONLY).sync(subject: path)
  }

  /// Overwrites the last 64 KiB of a block device with zeros. Backups of partition tables are there. Blocks until the
  /// zeros are on stable storage.
  ///
  /// - Throws: `ENOTBLK` if the path is not a block device; otherwise the error of open(2), pwrite(2) or fsync(2).
  package static func clearEnd(of path: String) throws(SystemError) {
    let size = try size(of: path).bytes
    let count = min(Int(clamping: size), 64 << 10)
    let device = try Descriptor.open(path, O_WRONLY)
    let number = device.rawValue
    let zeros = [UInt8](repeating: 0, count: count)
    var written = 0
    while written < count {
      written += try retryingInterrupts("clear the end of", path) {
        zeros.withUnsafeBytes {
          pwrite(number, $0.baseAddress, count - written, off_t(size) - off_t(count) + off_t(written))
        }
      }
    }
    try device.sync(subject: path)
  }

  /// Reads `count` bytes at each offset, and writes back what `change` makes of them, in the order of the offsets. Blocks
  /// until it is on stable storage. While it runs, nobody can mount the device. An offset behind the end is left out.
  ///
  /// - Parameter change: returns nil to leave a place as it is.
  /// - Throws: `EBUSY` if the device has an exclusive user; the errors of `change`; otherwise the error of open(2), pread(2),
  ///   pwrite(2) or fsync(2).
  static func rewrite(
    _ path: String, at offsets: [UInt64], count: Int,
    _ change: ([UInt8], UInt64) throws(SystemError) -> [UInt8]?
  ) throws(SystemError) {
    let device = try Descriptor.open(path, O_RDWR | O_EXCL)
    for offset in offsets {
      let bytes = try read(device, offset: offset, count: count, subject: path)
      guard bytes.count == count, let changed = try change(bytes, offset) else { continue }
      try write(changed, to: device, offset: offset, subject: path)
      // Each place before the next one.
      try device.sync(subject: path)
    }
  }

  private static func write(
    _ bytes: [UInt8], to device: borrowing Descriptor, offset: UInt64, subject: String
  ) throws(SystemError) {
    let number = device.rawValue
    var written = 0
    while written < bytes.count {
      written += try retryingInterrupts("write", subject) {
        bytes.withUnsafeBytes {
          pwrite(number, $0.baseAddress?.advanced(by: written), bytes.count - written, off_t(offset) + off_t(written))
        }
      }
    }
  }

  /// Returns whether the device has an exclusive user: a file system mounted in any mount namespace, a device-mapper
  /// table, an MD array, swap, or another opener with `O_EXCL`. Ordinary openers do not count.
  ///
  /// - Throws: the errors of ``openExclusively(_:)`` except `EBUSY`.
  package static func isHeldElsewhere(_ path: String) throws(SystemError) -> Bool {
    do throws(SystemError) {
      _ = try openExclusively(path)
      return false
    } catch {
      guard error.errno == .busy else { throw error }
      return true
    }
  }

  /// Opens a block device for reading as its exclusive user: `O_EXCL` without `O_CREAT`, open(2). While the descriptor
  /// is open, nobody can mount the device, run mkfs on it or put it into a table.
  ///
  /// - Throws: `EBUSY` if the device has an exclusive user; `ENOTBLK` if the path is not a block device; otherwise the
  ///   error of open(2).
  package static func openExclusively(_ path: String) throws(SystemError) -> Descriptor {
    _ = try number(of: path)
    return try Descriptor.open(path, O_RDONLY | O_EXCL)
  }
}

extension BlockDevice {
  /// Returns whether the kernel rejects writes to the device. Also false if that is unknown. Reads /sys/dev/block; does
  /// not block.
  package static func isReadOnly(_ number: DeviceNumber) -> Bool {
    // The device may be gone. A write to it fails by itself, so unknown counts as writable.
    (try? Files.readText("/sys/dev/block/\(number)/ro"))?.hasPrefix("1") == true
  }

  /// Returns whether a device-mapper device is suspended: its reads and writes wait. Also false if that is unknown. Reads
  /// /sys/dev/block; does not block.
  package static func isSuspended(_ number: DeviceNumber) -> Bool { deviceMapper("suspended", number) == "1" }

  /// Returns the UUID that the creator of a device-mapper device gave it. LVM's are `LVM-` and 64 characters. Nil for
  /// other devices. Reads /sys/dev/block; does not block.
  package static func deviceMapperUUID(_ number: DeviceNumber) -> String? { deviceMapper("uuid", number) }

  /// Returns the name of a device-mapper device, such as `vg-lv`. Nil for other devices. Does not block.
  package static func deviceMapperName(_ number: DeviceNumber) -> String? { deviceMapper("name", number) }

  private static func deviceMapper(_ attribute: String, _ number: DeviceNumber) -> String? {
    // Devices of other drivers have no such file.
    guard let text = try? Files.readText("/sys/dev/block/\(number)/dm/\(attribute)") else { return nil }
    let line = text.hasSuffix("\n") ? String(text.dropLast()) : text
    return line.isEmpty ? nil : line
  }
}

extension BlockDevice {
  /// Reads `count` bytes of a device or file through the page cache. Returns fewer bytes at its end. `offset` is in
  /// bytes.
  ///
  /// - Throws: `EINVAL` if `offset` or `count` is out of range; otherwise the error of open(2) or pread(2).
  package static func readBytes(_ path: String, offset: UInt64, count: Int) throws(SystemError) -> [UInt8] {
    let device = try Descriptor.open(path, O_RDONLY)
    return try read(device, offset: offset, count: count, subject: path)
  }

  /// Reads `count` bytes from the device itself, not from the page cache (`O_DIRECT`). `offset` is in bytes.
  ///
  /// - Throws: `EINVAL` if `offset` or `count` is not a multiple of 4096; otherwise the error of open(2) or pread(2).
  package static func readDirect(_ path: String, offset: UInt64, count: Int) throws(SystemError) -> [UInt8] {
    guard offset % UInt64(alignment) == 0, count % alignment == 0 else {
      throw SystemError(operation: "read unaligned part of", subject: path, errno: .invalid)
    }
    let device = try Descriptor.open(path, O_RDONLY | CLINUX_O_DIRECT)
    return try read(device, offset: offset, count: count, subject: path)
  }

  /// In bytes. No device has a larger logical block.
  private static let alignment = 4096

  private static func read(
    _ device: borrowing Descriptor, offset: UInt64, count: Int, subject: String
  ) throws(SystemError) -> [UInt8] {
    guard count > 0, let start = off_t(exactly: offset) else {
      if count == 0 { return [] }
      throw SystemError(operation: "read", subject: subject, errno: .invalid)
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: alignment)
    defer { buffer.deallocate() }
    let number = device.rawValue
    var filled = 0
    while filled < count {
      let length = try retryingInterrupts("read", subject) {
        pread(number, buffer.baseAddress?.advanced(by: filled), count - filled, start + off_t(filled))
      }
      if length == 0 { break }
      filled += length
    }
    return Array(buffer[..<filled])
  }
}

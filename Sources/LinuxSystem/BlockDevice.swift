internal import CLinux
internal import Glibc
package import StorageModel

/// Questions to block devices. Everything here blocks for as long as the device does, unless it says otherwise.
package enum BlockDevice {
  /// The device number that a path leads to, stat(2), symbolic links followed. Anything else than a block device is
  /// `ENOTBLK`. Does not touch the device.
  package static func number(of path: String) throws(SystemError) -> DeviceNumber {
    var status = stat()
    try retryingInterrupts("stat", path) { stat(path, &status) }
    guard case .blockDevice(let number) = FileKind(status) else {
      throw SystemError(operation: "find block device", subject: path, errno: .notBlockDevice)
    }
    return number
  }

  /// The size of a block device, `BLKGETSIZE64`.
  package static func size(of path: String) throws(SystemError) -> ByteCount {
    _ = try number(of: path)
    let device = try Descriptor.open(path, O_RDONLY)
    let descriptor = device.rawValue
    var bytes: UInt64 = 0
    try retryingInterrupts("read size of", path) { clinux_block_size(descriptor, &bytes) }
    return ByteCount(bytes)
  }

  /// Returns when everything written to the device, or file, is on stable storage, fsync(2).
  package static func sync(_ path: String) throws(SystemError) {
    try Descriptor.open(path, O_RDONLY).sync(subject: path)
  }

  /// Overwrites the last 64 KiB of a block device with zeros and returns when they are on stable storage: where backups
  /// of partition tables are.
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

  /// Whether a mounted file system (of any mount namespace), a device-mapper table, an MD array, swap or another
  /// exclusive opener uses the device. Ordinary openers do not count.
  package static func isHeldElsewhere(_ path: String) throws(SystemError) -> Bool {
    do throws(SystemError) {
      _ = try openExclusively(path)
      return false
    } catch {
      guard error.errno == .busy else { throw error }
      return true
    }
  }

  /// Opens a block device for reading as its exclusive user, `EBUSY` when there is one: `O_EXCL` without `O_CREAT`,
  /// open(2). While the descriptor lives nobody can mount the device or put it into a table, mkfs included.
  package static func openExclusively(_ path: String) throws(SystemError) -> Descriptor {
    _ = try number(of: path)
    return try Descriptor.open(path, O_RDONLY | O_EXCL)
  }
}

extension BlockDevice {
  /// Whether the kernel refuses writes to the device. From /sys/dev/block; does not block. False also where it cannot be
  /// known.
  package static func isReadOnly(_ number: DeviceNumber) -> Bool {
    (try? Files.readText("/sys/dev/block/\(number)/ro"))?.hasPrefix("1") == true
  }

  /// The UUID that the maker of a device-mapper device gave it, such as `LVM-` and 64 characters of LVM; nil for
  /// other devices. From /sys/dev/block; does not block.
  package static func deviceMapperUUID(_ number: DeviceNumber) -> String? { deviceMapper("uuid", number) }

  /// The name of a device-mapper device, such as `vg-lv`; nil for other devices.
  package static func deviceMapperName(_ number: DeviceNumber) -> String? { deviceMapper("name", number) }

  private static func deviceMapper(_ attribute: String, _ number: DeviceNumber) -> String? {
    // Devices of other drivers have no such file.
    guard let text = try? Files.readText("/sys/dev/block/\(number)/dm/\(attribute)") else { return nil }
    let line = text.hasSuffix("\n") ? String(text.dropLast()) : text
    return line.isEmpty ? nil : line
  }
}

extension BlockDevice {
  /// Bytes of a device or file, through the page cache. Fewer than `count` where it ends.
  package static func readBytes(_ path: String, offset: UInt64, count: Int) throws(SystemError) -> [UInt8] {
    let device = try Descriptor.open(path, O_RDONLY)
    return try read(device, offset: offset, count: count, subject: path)
  }

  /// Bytes as they are on the device, past the page cache (`O_DIRECT`). Offset and count must be multiples of 4096,
  /// otherwise `EINVAL`.
  package static func readDirect(_ path: String, offset: UInt64, count: Int) throws(SystemError) -> [UInt8] {
    guard offset % UInt64(alignment) == 0, count % alignment == 0 else {
      throw SystemError(operation: "read unaligned part of", subject: path, errno: .invalid)
    }
    let device = try Descriptor.open(path, O_RDONLY | CLINUX_O_DIRECT)
    return try read(device, offset: offset, count: count, subject: path)
  }

  /// At least the logical block size of every device there is.
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

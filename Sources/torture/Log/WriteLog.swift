import CLinux
import Glibc
import LinuxSystem

/// Reads the log that the device-mapper target `log-writes` keeps of a device (Linux, drivers/md/dm-log-writes.c and
/// Documentation/admin-guide/device-mapper/log-writes.rst). It contains all writes in the order in which a disk with a
/// volatile cache made them safe. A write appears with the flush that made it safe; a write that was never flushed does
/// not appear.
///
/// All numbers are little-endian, positions and lengths in sectors of 512 bytes. Sector 0 contains the magic, the
/// version and the number of entries that are certainly complete. The entries follow: each is a sector with position,
/// length, flags and the length of the text in the same sector, followed by the data.
struct WriteLog: ~Copyable {
  /// One entry.
  struct Entry: Equatable {
    let sector: UInt64
    let sectors: UInt64
    let flags: UInt64
    /// The text of a mark.
    let text: String
    /// The offset of the entry's data in the log, in bytes.
    let offset: UInt64

    var isFlush: Bool { flags & 1 != 0 }
    var isForced: Bool { flags & 2 != 0 }
    var isDiscard: Bool { flags & 4 != 0 }
    var isMark: Bool { flags & 8 != 0 }
  }

  static let sectorSize = 512
  private static let magic: UInt64 = 0x6a73_6677_7368_72
  private static let chunk = 64 << 10

  private let file: Descriptor
  private let path: String
  private let buffer: UnsafeMutableRawBufferPointer
  private var window: Range<UInt64> = 0..<0
  /// The position of the next entry, and its number.
  private var position = UInt64(sectorSize)
  private var number: UInt64 = 0

  /// Opens a log, a device or an image. A log that is being written is read directly, without the page cache.
  init(path: String, isLive: Bool) throws {
    self.path = path
    file = try Descriptor.open(path, O_RDONLY | (isLive ? CLINUX_O_DIRECT : 0))
    buffer = .allocate(byteCount: Self.chunk, alignment: 4096)
  }

  deinit { buffer.deallocate() }

  /// The number of entries that are certainly complete.
  mutating func wholeEntries() throws -> UInt64 {
    window = 0..<0
    guard try word(at: 0) == Self.magic else { return 0 }
    guard try word(at: 8) == 1, try word(at: 24) & 0xffff_ffff == UInt64(Self.sectorSize) else {
      throw TortureError("\(path) is a log of another version or sector size")
    }
    return try word(at: 16)
  }

  /// The next entry; nil if it is not one of the complete ones.
  mutating func next(of whole: UInt64) throws -> Entry? {
    guard number < whole else { return nil }
    window = 0..<0
    let length = Int(try word(at: position + 24))
    var entry = Entry(
      sector: try word(at: position), sectors: try word(at: position + 8), flags: try word(at: position + 16),
      text: "", offset: position + UInt64(Self.sectorSize))
    if entry.isMark {
      let start = Int(position + 32 - window.lowerBound)
      entry = Entry(
        sector: 0, sectors: 0, flags: entry.flags,
        text: String(decoding: buffer[start..<start + min(length, Self.sectorSize - 32)], as: UTF8.self).trimmed,
        offset: entry.offset)
    }
    position += UInt64(Self.sectorSize) * (1 + (entry.isDiscard ? 0 : entry.sectors))
    number += 1
    return entry
  }

  /// The data of an entry.
  func data(of entry: Entry) throws -> [UInt8] {
    let count = Int(entry.sectors) * Self.sectorSize
    var bytes = [UInt8](repeating: 0, count: count)
    let number = file.rawValue
    let read = bytes.withUnsafeMutableBytes { pread(number, $0.baseAddress, count, off_t(entry.offset)) }
    guard read == count else { throw TortureError("\(path) ends within an entry") }
    return bytes
  }

  private mutating func word(at offset: UInt64) throws -> UInt64 {
    if !window.contains(offset) { try load(offset) }
    return buffer.loadUnaligned(fromByteOffset: Int(offset - window.lowerBound), as: UInt64.self).littleEndian
  }

  private mutating func load(_ offset: UInt64) throws {
    let start = offset / UInt64(Self.sectorSize) * UInt64(Self.sectorSize)
    let count = pread(file.rawValue, buffer.baseAddress, Self.sectorSize, off_t(start))
    guard count == Self.sectorSize else { throw SystemError(operation: "read", subject: path, errno: .current) }
    window = start..<start + UInt64(count)
  }
}

extension String {
  /// Without zero bytes and line ends at the end.
  fileprivate var trimmed: String { String(prefix { $0 != "\0" && $0 != "\n" }) }
}

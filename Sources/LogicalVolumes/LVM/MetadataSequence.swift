internal import LinuxSystem
internal import StorageModel

/// Reads a volume group's sequence number directly from a physical volume. Two small reads, in place of an LVM command,
/// show whether a state is fresh.
///
/// Layout (lvm2 `lib/format_text/layout.h`, all little-endian): a label in one of the first four sectors points to the
/// PV header, whose second list of areas contains the metadata areas. Each area begins with a header that contains the
/// offset of the committed text, which begins `<group> {`, `id = "…"`, `seqno = N`.
///
/// Only reads. Any unexpected content gives nil, which callers take as "changed".
struct MetadataSequence: Sendable {
  /// A part of a device, in bytes.
  typealias Extent = (offset: UInt64, size: UInt64)

  private let device: String
  private let area: Extent

  private static let blockSize = 4096
  private static let sectorSize = 512
  private static let areaMagic = Array(" LVM2 x[5A%r0N*>".utf8)

  /// Finds the metadata area of a physical volume; nil if there is none that we can read.
  init?(device: String) {
    guard let block = try? BlockDevice.readDirect(device, offset: 0, count: Self.blockSize),
      let area = Self.firstMetadataArea(in: block)
    else { return nil }
    self.device = device
    self.area = area
  }

  /// The sequence number of the committed metadata, if they are those of the group with this name and UUID; otherwise
  /// nil. The name alone proves nothing: a disk can be replaced by one with another group of that name.
  func current(of group: String, uuid: String) -> UInt64? {
    guard let location = committedText(), let text = read(at: location.offset) else { return nil }
    return Self.sequence(in: text, group: group, uuid: uuid)
  }

  /// How much the metadata can grow; nil if that is not known.
  var freeMetadata: ByteCount? { committedText().map { Self.freeMetadata(of: area, with: $0) } }

  /// Each version is written beside the last one, so the limit is half of the area (lvm2 `vg_mda_free`).
  static func freeMetadata(of area: Extent, with text: Extent) -> ByteCount {
    ByteCount((area.size - UInt64(sectorSize)) / 2) - ByteCount(text.size)
  }

  private func committedText() -> Extent? {
    read(at: area.offset).flatMap { Self.committedText(in: $0, of: area) }
  }

  /// The position of the committed text on the device. The first raw_locn follows checksum, magic, version, start and
  /// size in the area's header.
  static func committedText(in header: [UInt8], of area: Extent) -> Extent? {
    guard header.count >= 56, header[4..<20].elementsEqual(areaMagic) else { return nil }
    let offset = header.littleEndian64(at: 40)
    let size = header.littleEndian64(at: 48)
    guard offset >= UInt64(sectorSize), offset < area.size, size > 0 else { return nil }
    let (start, overflow) = area.offset.addingReportingOverflow(offset)
    return overflow ? nil : (start, size)
  }

  /// Reads one sector directly from the disk, because the library does not use the page cache.
  private func read(at offset: UInt64) -> [UInt8]? {
    let start = offset / UInt64(Self.blockSize) * UInt64(Self.blockSize)
    guard let block = try? BlockDevice.readDirect(device, offset: start, count: Self.blockSize) else { return nil }
    let first = Int(offset - start)
    guard first + Self.sectorSize <= block.count else { return nil }
    return Array(block[first..<(first + Self.sectorSize)])
  }

  static func sequence(in text: [UInt8], group: String, uuid: String) -> UInt64? {
    let lines = text.prefix { $0 != 0 }.split(separator: 0x0A, omittingEmptySubsequences: false)
    guard let first = lines.first, first.elementsEqual("\(group) {".utf8),
      lines.dropFirst().first?.elementsEqual("id = \"\(uuid)\"".utf8) == true
    else { return nil }
    let key = Array("seqno = ".utf8)
    guard let line = lines.dropLast().first(where: { $0.starts(with: key) }) else { return nil }
    let digits = String(decoding: line.dropFirst(key.count), as: UTF8.self)
    return UInt64(digits).flatMap { String($0) == digits ? $0 : nil }
  }

  static func firstMetadataArea(in block: [UInt8]) -> Extent? {
    guard block.count >= 4 * sectorSize else { return nil }
    for sector in stride(from: 0, to: 4 * sectorSize, by: sectorSize) {
      guard block[sector..<(sector + 8)].elementsEqual("LABELONE".utf8) else { continue }
      let header = sector + Int(block.littleEndian32(at: sector + 20))
      // PV UUID (32 bytes), device size (8), then two lists of areas, each ended by an empty entry.
      var position = header + 40
      guard let afterData = skipAreas(in: block, from: position) else { return nil }
      position = afterData
      guard position + 16 <= block.count else { return nil }
      let area = (block.littleEndian64(at: position), block.littleEndian64(at: position + 8))
      return area.0 == 0 ? nil : area
    }
    return nil
  }

  private static func skipAreas(in block: [UInt8], from start: Int) -> Int? {
    var position = start
    while position + 16 <= block.count {
      let offset = block.littleEndian64(at: position)
      position += 16
      if offset == 0 { return position }
    }
    return nil
  }
}

extension [UInt8] {
  fileprivate func littleEndian32(at index: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(self[index + $1]) << UInt32(8 * $1) }
  }

  fileprivate func littleEndian64(at index: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(self[index + $1]) << UInt64(8 * $1) }
  }
}

/// A non-negative number of bytes.
///
/// All sizes have this type. Units exist only where text is parsed or printed.
package struct ByteCount: Hashable, Sendable, Comparable {
  /// The number of bytes.
  package let bytes: UInt64

  package init(_ bytes: UInt64) { self.bytes = bytes }

  package static let zero = ByteCount(0)
  /// The largest offset into a file or device (`loff_t`). No volume is larger.
  package static let largestVolume = ByteCount(UInt64(Int64.max))
  package static func kibibytes(_ count: UInt64) -> ByteCount { ByteCount(count << 10) }
  package static func mebibytes(_ count: UInt64) -> ByteCount { ByteCount(count << 20) }
  package static func gibibytes(_ count: UInt64) -> ByteCount { ByteCount(count << 30) }

  package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

  /// The sum, capped at the largest count. Sizes come from reports and objects that others write, so a sum can
  /// overflow.
  package static func + (left: ByteCount, right: ByteCount) -> ByteCount {
    let (sum, overflow) = left.bytes.addingReportingOverflow(right.bytes)
    return ByteCount(overflow ? .max : sum)
  }

  /// The difference, or zero when `right` is the larger.
  package static func - (left: ByteCount, right: ByteCount) -> ByteCount {
    ByteCount(left.bytes > right.bytes ? left.bytes - right.bytes : 0)
  }

  /// The next multiple of `unit` at or above this count; nil when that exceeds 64 bits.
  package func roundedUp(to unit: ByteCount) -> ByteCount? {
    let remainder = bytes % unit.bytes
    guard remainder != 0 else { return self }
    let (sum, overflow) = bytes.addingReportingOverflow(unit.bytes - remainder)
    return overflow ? nil : ByteCount(sum)
  }
}

extension ByteCount {
  /// Parses a plain decimal count of bytes, as kubelet and the `sizeBytes` option write it: digits only.
  package init?(decimal text: some StringProtocol) {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bytes = UInt64(text) else {
      return nil
    }
    self.init(bytes)
  }
}

extension ByteCount: CustomStringConvertible {
  /// Exact in the largest binary unit that divides the count, otherwise rounded to two digits: `3 GiB`, `1.21 MiB`.
  package var description: String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var index = 0
    while index + 1 < units.count, bytes >> UInt64(10 * (index + 1)) > 0 { index += 1 }
    let unit = UInt64(1) << UInt64(10 * index)
    let whole = bytes / unit
    let remainder = bytes % unit
    guard remainder != 0 else { return "\(whole) \(units[index])" }
    // Rounded down, so that the text never shows more than the count. A double may round the largest remainders up to
    // 1.
    let hundredths = min(99, UInt64(Double(remainder) / Double(unit) * 100))
    let digits = hundredths < 10 ? "0\(hundredths)" : "\(hundredths)"
    return "\(whole).\(digits) \(units[index])"
  }
}

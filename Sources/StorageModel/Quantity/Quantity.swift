/// A number as Kubernetes writes sizes and counts: `3Gi`, `0.5`, `100m`, `12e6` (apimachinery's `resource.Quantity`).
///
/// Parsed, rounded, capped and printed as Kubernetes does. Stored exactly, in billionths. One difference: a magnitude
/// of 1.7·10²⁹ or more is refused (``QuantityError/outOfRange``), where Kubernetes continues with any number of digits.
package struct Quantity: Sendable {
  /// How the number was written, and how it is printed.
  package enum Format: Sendable, Hashable {
    /// Powers of 1024: `Ki` up to `Ei`.
    case binarySI
    /// Powers of 1000: `n` up to `E`.
    case decimalSI
    /// `e3`.
    case decimalExponent
  }

  /// The value in billionths, the smallest step of Kubernetes.
  package let nanos: Int128
  package let format: Format
  /// The parsed text, where Kubernetes takes it for canonical and sends it on unchanged.
  let original: String?

  init(nanos: Int128, format: Format, original: String? = nil) {
    self.nanos = nanos
    self.format = format
    self.original = original
  }

  /// Billionths in one.
  static let one: Int128 = 1_000_000_000

  /// Zero.
  package static let zero = Quantity(nanos: 0, format: .decimalSI)

  /// A whole number.
  package init(_ value: Int64, format: Format = .binarySI) {
    self.init(nanos: Int128(value) * Self.one, format: format)
  }

  /// A size, printed in powers of 1024 without loss: `3Gi`, `1025`.
  package init(_ size: ByteCount) { self.init(nanos: Int128(size.bytes) * Self.one, format: .binarySI) }
}

extension Quantity: Comparable {
  /// Compares as numbers, however they were written.
  package static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
  package static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }
}

extension Quantity: Hashable {
  package func hash(into hasher: inout Hasher) { hasher.combine(nanos) }
}

extension Quantity {
  /// The number of bytes, a fraction rounded up to a whole byte; nil when negative or larger than 64 bits.
  package var byteCount: ByteCount? {
    guard nanos >= 0 else { return nil }
    let whole = nanos / Self.one + (nanos % Self.one == 0 ? 0 : 1)
    return UInt64(exactly: whole).map { ByteCount($0) }
  }
}

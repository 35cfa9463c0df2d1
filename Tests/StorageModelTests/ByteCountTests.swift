import StorageModel
import Testing

@Suite("Byte counts")
struct ByteCountTests {
  @Test(
    "decimal digits alone are a count of bytes",
    arguments: [
      ("0", 0, "nothing"), ("1", 1, "one"), ("00012", 12, "leading zeros"), ("1073741824", 1 << 30, "a gibibyte"),
      ("18446744073709551615", UInt64.max, "the largest"), ("18446744073709551616", nil, "one more"),
      ("99999999999999999999999999", nil, "far more"), ("", nil, "nothing at all"), ("-1", nil, "negative"),
      ("+1", nil, "a sign"), (" 1", nil, "a blank in front"), ("1 ", nil, "a blank behind"), ("1.5", nil, "a fraction"),
      ("1e9", nil, "an exponent"), ("1Gi", nil, "a unit"), ("0x10", nil, "hexadecimal"),
      ("1_000", nil, "an underscore"),
      ("١٢", nil, "digits of another script"), ("１", nil, "a wide digit"), ("1\n", nil, "a line break"),
    ] as [(String, UInt64?, String)])
  func decimal(_ text: String, _ bytes: UInt64?, _ remark: String) {
    #expect(ByteCount(decimal: text)?.bytes == bytes, "\(remark)")
  }

  @Test(
    "rounding goes up to the next multiple, or says that it does not fit",
    arguments: [
      (0, 4, 0, "nothing stays nothing"), (1, 4, 4, "up"), (4, 4, 4, "a multiple stays"), (5, 4, 8, "up again"),
      (7, 1, 7, "a unit of one"), (1 << 30, 4 << 20, 1 << 30, "extents"),
      ((1 << 30) + 1, 4 << 20, (1 << 30) + (4 << 20), "one more"),
      (UInt64.max, 1, UInt64.max, "the largest"), (UInt64.max, 4, nil, "beyond 64 bits"),
      (UInt64.max - 2, 4, nil, "just beyond"), (UInt64.max - 3, 4, UInt64.max - 3, "the largest multiple"),
    ] as [(UInt64, UInt64, UInt64?, String)])
  func rounding(_ bytes: UInt64, _ unit: UInt64, _ rounded: UInt64?, _ remark: String) {
    #expect(ByteCount(bytes).roundedUp(to: ByteCount(unit))?.bytes == rounded, "\(remark)")
  }

  @Test("rounding never goes below, and by less than a unit")
  func roundingProperty() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<1000 {
      let count = ByteCount(UInt64.random(in: 0...UInt64.max >> 8, using: &generator))
      let unit = ByteCount(UInt64.random(in: 1...1 << 40, using: &generator))
      let rounded = try #require(count.roundedUp(to: unit))
      #expect(rounded >= count && rounded.bytes % unit.bytes == 0 && (rounded - count) < unit)
    }
  }

  @Test("a difference is never below zero")
  func difference() {
    #expect(ByteCount(3) - ByteCount(5) == .zero)
    #expect(ByteCount(5) - ByteCount(3) == ByteCount(2))
    #expect(ByteCount(5) - ByteCount(5) == .zero)
    #expect(ByteCount(5) + ByteCount(3) == ByteCount(8))
  }

  @Test(
    "a description is exact in the largest unit, or rounded down to two digits",
    arguments: [
      (0, "0 B", "nothing"), (1023, "1023 B", "bytes"), (1024, "1 KiB", "exact"), (1536, "1.50 KiB", "a half"),
      (1 << 20, "1 MiB", "exact"), ((1 << 20) + 1, "1.00 MiB", "hardly more"), (3 << 30, "3 GiB", "exact"),
      (1_268_777, "1.21 MiB", "two digits"), (1_268_776, "1.20 MiB", "rounded down"),
      (1_073_741_823, "1023.99 MiB", "never up to the next unit"),
      (1 << 60, "1 EiB", "large"), (UInt64.max, "15.99 EiB", "the largest"),
    ] as [(UInt64, String, String)])
  func description(_ bytes: UInt64, _ text: String, _ remark: String) {
    #expect(ByteCount(bytes).description == text, "\(remark)")
  }

  @Test("units are powers of 1,024")
  func units() {
    #expect(ByteCount.kibibytes(3).bytes == 3072)
    #expect(ByteCount.mebibytes(3).bytes == 3 << 20)
    #expect(ByteCount.gibibytes(3).bytes == 3 << 30)
    #expect(ByteCount(1) < ByteCount(2))
  }

  @Test("a sum beyond 64 bits is the largest count")
  func largestSum() {
    #expect(ByteCount(.max) + ByteCount(1) == ByteCount(.max))
    #expect(ByteCount(.max - 1) + ByteCount(1) == ByteCount(.max))
    #expect(ByteCount(1 << 63) + ByteCount(1 << 63) == ByteCount(.max))
  }
}

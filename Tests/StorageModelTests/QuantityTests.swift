import StorageModel
import Testing

@Suite("Quantities")
struct QuantityTests {
  @Test(
    "a quantity is printed as Kubernetes prints it",
    arguments: [
      ("0", "0", "zero"), ("00", "0", "more zeros"), ("0Ki", "0", "binary zero"), ("0e5", "0", "zero with an exponent"),
      ("-0", "0", "negative zero"), ("-", "0", "a sign alone, as Kubernetes has it"), (".", "0", "a point alone"),
      ("1", "1", "one"), ("1000", "1k", "a thousand"), ("1024", "1024", "no binary suffix asked for"),
      ("1Ki", "1Ki", "binary"), ("1Mi", "1Mi", "binary"), ("1Gi", "1Gi", "binary"), ("1Ti", "1Ti", "binary"),
      ("1Pi", "1Pi", "binary"), ("1Ei", "1Ei", "binary"), ("7Ei", "7Ei", "large"),
      ("1024Mi", "1Gi", "the next suffix"), ("307200Ki", "300Mi", "the next suffix"),
      ("1025024Mi", "1001Gi", "not further"),
      ("1000Ki", "1000Ki", "a decimal round number"), ("1000M", "1G", "decimal"), ("0.001T", "1G", "a fraction"),
      ("1.5Gi", "1536Mi", "a binary fraction"), ("100.035Ki", "102435840m", "not whole, so decimal"),
      ("0.5Mi", "512Ki", "half"), ("0.025Ti", "27487790694400m", "not whole"), ("0.5", "500m", "half of one"),
      (".001Ki", "1024m", "small, so decimal"), (".000001Ki", "1024u", "smaller"), (".000000001Ki", "1024n", "smaller"),
      (".000000000001Ki", "2n", "rounded up"), ("1.08", "1080m", "a fraction"),
      ("1.080", "1.080", "taken for canonical"),
      ("1.5", "1500m", "not taken for canonical"), ("1080000000n", "1080m", "billionths"),
      ("1000u", "1m", "millionths"),
      ("5000m", "5", "thousandths"), ("80m", "80m", "stays"), ("1234567M", "1234567M", "stays"),
      ("3k", "3k", "stays"), ("1.G", "1.G", "taken for canonical"), (".5", "500m", "no digit before the point"),
      ("12E", "12E", "more than 64 bits hold"), ("1000E", "1e21", "no decimal suffix for it"),
      ("1e9", "1e9", "an exponent"), (".001e12", "1e9", "shifted"), ("1E9", "1E9", "taken for canonical"),
      ("10e8", "1e9", "a multiple of three"), ("1e10", "10e9", "a multiple of three"), ("0.001e0", "1e-3", "negative"),
      ("1000e-12", "1e-9", "the smallest"), ("1e+3", "1e+3", "taken for canonical"),
      ("1e0", "1e0", "taken for canonical"),
      ("+5", "+5", "taken for canonical"), ("-5", "-5", "negative"), ("-1024Ki", "-1Mi", "negative binary"),
      ("0.0000000001", "1n", "rounded up"), ("0.0000000005", "1n", "rounded up"), ("0.5e-9", "1e-9", "rounded up"),
      ("0.9n", "1n", "rounded up"), ("0.00000012345", "124n", "rounded up"), ("-0.9n", "-1n", "away from zero"),
      ("1e-30", "1e-9", "rounded up from far below"),
      ("9Ei", "9223372036854775807", "capped at 2^63-1"), ("9223372036854775807Ki", "9223372036854775807", "capped"),
      ("-9Ei", "-9223372036854775807", "capped below"), ("8Ei", "9223372036854775807", "2^63 is one too many"),
      ("9223372036854775807", "9223372036854775807", "the largest of 64 bits"),
      ("123456789012345678901", "123456789012345678901", "more than 64 bits, exact"),
      ("0.000000000000000000000000000000000000001Ei", "1n", "long fraction, large factor"),
    ])
  func printing(_ text: String, _ printed: String, _ remark: String) throws {
    #expect(try Quantity(parsing: text).description == printed, "\(remark)")
  }

  @Test(
    "a text that Kubernetes refuses is refused",
    arguments: [
      ("", .format), (" 1", .format), ("1 ", .format), ("1.1.M", .format), ("1+1.0M", .format), ("aoeu", .format),
      ("--1", .suffix), ("1,5", .format), ("1_000", .format), ("1Ki5M", .format), ("0x10", .format),
      ("0.1mi", .suffix), ("0.1am", .format), (".5i", .suffix), ("1i", .suffix), ("-3.01i", .suffix),
      ("-3.01e-", .suffix),
      ("1e", .suffix), ("1KI", .format), ("1K", .suffix), ("1B", .format), ("1GB", .format), ("1GiB", .format),
      ("1Ki2", .suffix), ("1ee5", .suffix), ("1e99999999999", .suffix), ("\u{661}Gi", .format), ("1\n", .format),
      ("1e50", .outOfRange), ("999999999999E", .outOfRange), (String(repeating: "9", count: 2000), .numeric),
    ] as [(String, QuantityError)])
  func refusal(_ text: String, _ error: QuantityError) {
    #expect(throws: error, "\(text)") { try Quantity(parsing: text) }
  }

  @Test(
    "a size in bytes is rounded up to a whole byte",
    arguments: [
      ("0", 0), ("1", 1), ("1Gi", 1 << 30), ("1G", 1_000_000_000), ("1.5Gi", 3 << 29), ("1m", 1), ("1001m", 2),
      ("0.0000000001", 1), ("1n", 1), ("10E", 10_000_000_000_000_000_000), ("18446744073709551615", UInt64.max),
      ("18446744073709551615.5", nil), ("18446744073709551616", nil), ("-1", nil), ("-1n", nil),
    ] as [(String, UInt64?)])
  func bytes(_ text: String, _ bytes: UInt64?) throws {
    #expect(try Quantity(parsing: text).byteCount?.bytes == bytes)
  }

  @Test("a size printed and parsed again is the same size, whatever it is")
  func roundTrip() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      // Up to 2^62: from 2^63 on Kubernetes caps binary quantities.
      let shift = UInt64.random(in: 2..<64, using: &generator)
      let size = ByteCount(UInt64.random(in: 0...UInt64.max, using: &generator) >> shift)
      let text = Quantity(size).description
      #expect(try Quantity(parsing: text).byteCount == size, "\(text)")
      let exponent = try Quantity(parsing: "\(size.bytes)e0")
      #expect(try Quantity(parsing: exponent.canonical) == Quantity(size), "\(exponent.canonical)")
    }
  }

  @Test("equal numbers are equal, however they are written, and smaller ones smaller")
  func comparison() throws {
    #expect(try Quantity(parsing: "1024Mi") == Quantity(parsing: "1Gi"))
    #expect(try Quantity(parsing: "1Gi").hashValue == Quantity(parsing: "1073741824").hashValue)
    #expect(try Quantity(parsing: "1G") < Quantity(parsing: "1Gi"))
    #expect(try Quantity(parsing: "-1") < Quantity(parsing: "1n"))
    #expect(Quantity(ByteCount.gibibytes(3)).description == "3Gi")
    #expect(Quantity(ByteCount(1025)).description == "1025")
    #expect(Quantity(5).description == "5")
    #expect(Quantity.zero.description == "0")
  }

  @Test("the smallest exponent takes no longer than any other", .timeLimit(.minutes(1)))
  func smallestExponent() throws {
    let start = ContinuousClock.now
    for _ in 0..<1000 { #expect(try Quantity(parsing: "1e-2147483648").description == "1e-9") }
    // Two thousand million steps each would take an hour.
    #expect(ContinuousClock.now - start < .seconds(30))
  }
}

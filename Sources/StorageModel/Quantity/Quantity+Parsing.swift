extension Quantity {
  /// Parses a quantity: sign, digits with a point, suffix; no white space.
  ///
  /// A value between two billionths is rounded away from zero. A larger value than 2⁶³-1 in binary form becomes 2⁶³-1.
  ///
  /// - Throws: ``QuantityError``.
  package init(parsing text: String) throws(QuantityError) {
    guard !text.isEmpty else { throw .format }
    let parts = try QuantityParts(text)
    let scale = try QuantitySuffix(parsing: parts.suffix)
    var magnitude = try parts.magnitude(scale)
    var format = scale.format
    if format == .binarySI {
      magnitude = min(magnitude ?? .max, Self.binaryLimit)
      // Kubernetes prints a fraction below one in thousandths. It changes the format when it parses, not when it
      // prints.
      if let value = magnitude, value > 0, value < Self.one { format = .decimalSI }
    }
    guard let magnitude else { throw .outOfRange }
    self.init(
      nanos: parts.isNegative ? -magnitude : magnitude, format: format,
      original: parts.isTakenForCanonical(scale) ? text : nil)
  }

  /// The largest binary quantity: 2⁶³-1.
  private static let binaryLimit = Int128(Int64.max) * one
}

/// The parts of a quantity's text.
struct QuantityParts {
  private(set) var isNegative = false
  /// The digits before the point, without leading zeros.
  private(set) var whole: [UInt8] = []
  /// The digits behind the point.
  private(set) var fraction: [UInt8] = []
  private(set) var suffix = ""

  init(_ text: String) throws(QuantityError) {
    var rest = text.utf8[...]
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      rest = rest.dropFirst()
    }
    whole = Self.digits(&rest)
    whole.removeFirst(whole.prefix { $0 == 0 }.count)
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      fraction = Self.digits(&rest)
    }
    suffix = String(Substring(rest))
    guard Self.isSuffixShaped(rest) else { throw .format }
  }

  private static func digits(_ text: inout Substring.UTF8View) -> [UInt8] {
    let digits = text.prefix { isDigit($0) }
    text = text[digits.endIndex...]
    return digits.map { $0 - UInt8(ascii: "0") }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  /// Whether the text has the form of a suffix: letters, then a sign, then digits. Each may be absent.
  private static func isSuffixShaped(_ text: Substring.UTF8View) -> Bool {
    var rest = text.drop { "eEinumkKMGTP".utf8.contains($0) }
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest = rest.dropFirst() }
    return rest.allSatisfy(isDigit)
  }
}

extension QuantityParts {
  /// The value in billionths, rounded up; nil when it does not fit.
  func magnitude(_ suffix: QuantitySuffix) throws(QuantityError) -> Int128? {
    // A quantity never needs that many digits, and the work below grows with them.
    guard whole.count + fraction.count <= 1000 else { throw .numeric }
    var number = LongNatural(digits: whole + fraction)
    guard !number.isZero else { return 0 }
    number.multiply(byPowerOfTwo: suffix.power.two)
    let shift = 9 + suffix.power.ten - fraction.count
    if shift > 80 { return nil }
    if shift >= 0 { number.multiply(byPowerOfTen: shift) } else { number.divideRoundingUp(byPowerOfTen: -shift) }
    return number.value
  }

  /// Whether Kubernetes sends the text on unchanged because a quick test takes it for canonical, even if it is not
  /// quite canonical (`+5`, `1.500`). Kubernetes then prints this text (`ParseQuantity`'s reuse of the string).
  func isTakenForCanonical(_ suffix: QuantitySuffix) -> Bool {
    let digits = (whole.isEmpty ? [0] : whole) + fraction
    switch suffix.format {
    case .binarySI:
      // The test is the number of digits that remain of 15 after the factor is applied.
      guard fraction.isEmpty, 15 - digits.count - suffix.power.two * 3 / 10 - 1 >= 0 else { return false }
      return digits.suffix(3).reduce(0) { $0 * 10 + Int($1) } % 8 != 0
    case .decimalSI, .decimalExponent:
      let scale = suffix.power.ten - fraction.count
      guard digits.count <= 18, scale >= -9, scale % 3 == 0 else { return false }
      return digits.first != 0 && digits.suffix(3) != [0, 0, 0]
    }
  }
}

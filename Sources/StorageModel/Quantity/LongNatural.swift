/// A natural number of any size, with the arithmetic that quantities need. Limbs of 32 bits, the lowest first.
struct LongNatural {
  private var limbs: [UInt32] = []

  /// Creates the number from its decimal digits, the highest first.
  init(digits: [UInt8]) {
    for digit in digits { multiply(by: 10, adding: UInt32(digit)) }
  }

  var isZero: Bool { limbs.isEmpty }

  /// The number, or nil when it exceeds 128 bits.
  var value: Int128? {
    guard limbs.count <= 4 else { return nil }
    return Int128(exactly: limbs.reversed().reduce(UInt128(0)) { $0 << 32 | UInt128($1) })
  }

  mutating func multiply(byPowerOfTwo power: Int) {
    for _ in 0..<(power / 10) { multiply(by: 1024, adding: 0) }
  }

  mutating func multiply(byPowerOfTen power: Int) {
    for _ in 0..<power { multiply(by: 10, adding: 0) }
  }

  /// Divides and rounds up.
  mutating func divideRoundingUp(byPowerOfTen power: Int) {
    var isExact = true
    // Ends when the number is zero, so an exponent of ten digits takes no longer.
    for _ in 0..<power {
      if isZero { break }
      isExact = divideByTen() == 0 && isExact
    }
    if !isExact { increment() }
  }

  private mutating func multiply(by factor: UInt32, adding summand: UInt32) {
    var carry = UInt64(summand)
    for index in limbs.indices {
      carry += UInt64(limbs[index]) * UInt64(factor)
      limbs[index] = UInt32(truncatingIfNeeded: carry)
      carry >>= 32
    }
    if carry > 0 { limbs.append(UInt32(carry)) }
  }

  private mutating func divideByTen() -> UInt32 {
    var remainder: UInt64 = 0
    for index in limbs.indices.reversed() {
      let dividend = remainder << 32 | UInt64(limbs[index])
      limbs[index] = UInt32(dividend / 10)
      remainder = dividend % 10
    }
    if limbs.last == 0 { limbs.removeLast() }
    return UInt32(remainder)
  }

  private mutating func increment() { multiply(by: 1, adding: 1) }
}

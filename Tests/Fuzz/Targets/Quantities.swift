@testable internal import StorageModel

extension FuzzTarget {
  /// Kubernetes' quantities: what is printed is the same number, and printing comes to rest.
  static let quantity = FuzzTarget("quantity", maximumLength: 64) { bytes throws(Violation) in
    let text = String(decoding: bytes, as: UTF8.self)
    let quantity: Quantity
    do throws(QuantityError) {
      quantity = try Quantity(parsing: text)
    } catch {
      try holdOneLine(error.description)
      try hold(ByteCount(decimal: text) == nil, "a decimal count of bytes is no quantity: \(text)")
      return
    }
    let printed = try reread(quantity, as: quantity.description)
    let canonical = try reread(quantity, as: quantity.canonical)
    try hold(canonical.canonical == printed.canonical, "two canonical forms of \(text)")
    // A binary number of no power of two is printed without a suffix, and so read as a decimal one.
    let settled = try reread(quantity, as: printed.description)
    try hold(settled.description == printed.description, "printing \(text) does not come to rest")
    if quantity.format != .binarySI {
      try hold(printed.description == quantity.description, "\(text) is printed in two ways")
    }
    try checkBytes(quantity, text)
  }

  private static func reread(_ quantity: Quantity, as text: String) throws(Violation) -> Quantity {
    let again = try mustSucceed("reading \(text)") { try Quantity(parsing: text) }
    try hold(again.nanos == quantity.nanos, "\(text) is \(again.nanos) billionths, not \(quantity.nanos)")
    return again
  }

  /// The fewest whole bytes that hold it.
  private static func checkBytes(_ quantity: Quantity, _ text: String) throws(Violation) {
    let limit = Int128(UInt64.max) * Quantity.one
    guard let count = quantity.byteCount else {
      return try hold(quantity.nanos < 0 || quantity.nanos > limit, "\(text) has no count of bytes")
    }
    let nanos = Int128(count.bytes) * Quantity.one
    try hold(nanos >= quantity.nanos && nanos - quantity.nanos < Quantity.one, "\(text) is not \(count.bytes) bytes")
    if let plain = ByteCount(decimal: text) { try hold(plain == count, "\(text) is two counts of bytes") }
    try hold(!count.description.isEmpty, "no words for \(text)")
  }
}

/// The factor that a quantity's suffix stands for.
struct QuantitySuffix {
  let format: Quantity.Format
  /// The factor is 2 to the power of `two` times 10 to the power of `ten`.
  let power: (two: Int, ten: Int)

  init(parsing text: String) throws(QuantityError) {
    if let index = Self.decimal.firstIndex(of: text) {
      (format, power) = (.decimalSI, (0, 3 * index - 9))
    } else if let index = Self.binary.firstIndex(of: text) {
      (format, power) = (.binarySI, (10 * (index + 1), 0))
    } else if let first = text.utf8.first, first == UInt8(ascii: "e") || first == UInt8(ascii: "E"),
      let exponent = Int32(text.dropFirst())
    {
      (format, power) = (.decimalExponent, (0, Int(exponent)))
    } else {
      throw .suffix
    }
  }

  /// From 10⁻⁹ in steps of three.
  private static let decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
  /// From 2¹⁰ in steps of ten.
  private static let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

  /// The suffix of 1024 to this power; empty for 0.
  static func binary(power: Int) -> String { power == 0 ? "" : binary[power - 1] }

  /// The suffix of ten to this power, a multiple of three. A power beyond `E` is written as an exponent.
  static func decimal(power: Int, _ format: Quantity.Format) -> String {
    let index = power / 3 + 3
    if format == .decimalSI, decimal.indices.contains(index) { return decimal[index] }
    return power == 0 ? "" : "e\(power)"
  }
}

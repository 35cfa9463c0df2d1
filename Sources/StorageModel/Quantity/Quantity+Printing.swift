extension Quantity: CustomStringConvertible {
  /// The text that Kubernetes prints, in API objects too.
  package var description: String { original ?? canonical }

  /// The canonical form: no fraction, the largest suffix that needs none.
  ///
  /// A binary number below 1024 or with a fraction is written as a decimal one.
  package var canonical: String {
    if nanos == 0 { return "0" }
    let isSmall = nanos.magnitude < (1024 * Self.one).magnitude
    guard format == .binarySI, !isSmall, nanos % Self.one == 0 else {
      return decimal(format == .binarySI ? .decimalSI : format)
    }
    var (number, power) = (nanos / Self.one, 0)
    while number % 1024 == 0, power < 6 { (number, power) = (number / 1024, power + 1) }
    return "\(number)\(QuantitySuffix.binary(power: power))"
  }

  private func decimal(_ format: Format) -> String {
    var (number, power) = (nanos, -9)
    while number % 1000 == 0 { (number, power) = (number / 1000, power + 3) }
    return "\(number)\(QuantitySuffix.decimal(power: power, format))"
  }
}

/// Texts in columns.
extension String {
  /// Padded with blanks at the end.
  func left(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

  /// Padded with blanks at the beginning.
  func right(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}

extension Double {
  /// With this many digits after the point, rounded.
  func fixed(_ digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
    let scaled = (magnitude * Double(scale)).rounded()
    // A value that is not a number is printed unchanged.
    guard scaled < 1e18 else { return "\(self)" }
    let (whole, fraction) = Int(scaled).quotientAndRemainder(dividingBy: scale)
    let sign = self < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(whole)" }
    let tail = String(fraction)
    return "\(sign)\(whole).\(String(repeating: "0", count: digits - tail.count))\(tail)"
  }
}

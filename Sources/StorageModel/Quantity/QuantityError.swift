/// Why a text is not a quantity. Kubernetes distinguishes the first three too.
package enum QuantityError: Error, Hashable, Sendable {
  /// Not of the form sign, digits, suffix.
  case format
  /// The suffix does not exist.
  case suffix
  /// The digits are not a number.
  case numeric
  /// Larger than this type can hold; Kubernetes accepts it.
  case outOfRange
}

extension QuantityError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .format: "quantities are a number and a suffix, as in 3Gi, 0.5 or 12e6"
    case .suffix:
      "unable to parse the quantity's suffix: it is one of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or e and digits"
    case .numeric: "unable to parse the numeric part of the quantity"
    case .outOfRange: "the quantity is too large"
    }
  }
}

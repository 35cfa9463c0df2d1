/// Why a text is no quantity; the first three are told apart as Kubernetes does.
package enum QuantityError: Error, Hashable, Sendable {
  /// Not of the form sign, digits, suffix.
  case format
  /// The suffix is none that exists.
  case suffix
  /// The digits are no number.
  case numeric
  /// Larger than what is kept here: Kubernetes would go on.
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

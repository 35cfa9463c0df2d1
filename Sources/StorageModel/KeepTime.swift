/// How long a volume is kept after its claim has gone: parameter `keep` of a storage class.
package enum KeepTime: Hashable, Sendable {
  case forever
  /// Whole seconds, more than zero.
  case limited(Duration)

  /// Parses `forever`, or a time as `720h` or `30d`: a whole number with `s`, `m`, `h` or `d`.
  ///
  /// - Throws: ``VolumeError/Code/invalid`` that says what is allowed.
  package init(parsing text: String) throws(VolumeError) {
    if text == Self.foreverText {
      self = .forever
      return
    }
    guard let unit = text.last.flatMap({ Self.units[$0] }), let number = Int64(text.dropLast()), number > 0,
      text.first?.isNumber == true, number <= Self.longest / unit
    else {
      throw VolumeError(
        .invalid,
        "keep \(quoted(text)) is neither \"forever\" nor a time such as \"720h\" or \"30d\" (s, m, h or d; at most 36500d)"
      )
    }
    self = .limited(.seconds(number * unit))
  }

  /// Nil for ``forever``.
  package var duration: Duration? {
    switch self {
    case .forever: nil
    case .limited(let duration): duration
    }
  }

  /// How long before its end a volume's end is announced: a day, or a tenth of a shorter time.
  package var notice: Duration? { duration.map { min(.seconds(86_400), $0 / 10) } }

  private static let foreverText = "forever"
  private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
  private static let longest: Int64 = 36_500 * 86_400
}

extension KeepTime: CustomStringConvertible {
  /// As it is parsed: in the largest unit that leaves no rest.
  package var description: String {
    guard let seconds = duration?.components.seconds else { return Self.foreverText }
    let units: [(text: String, seconds: Int64)] = [("d", 86_400), ("h", 3600), ("m", 60)]
    guard let unit = units.first(where: { seconds % $0.seconds == 0 }) else { return "\(seconds)s" }
    return "\(seconds / unit.seconds)\(unit.text)"
  }
}

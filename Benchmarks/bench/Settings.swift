import LinuxSystem

/// The variables of `bench`, see its usage. An empty value counts as absent.
enum Settings {
  private static let environment = OwnProcess.environment

  static func text(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

  /// A whole number above 0.
  static func number(_ name: String, or standard: Int) throws -> Int {
    guard let text = text(name) else { return standard }
    guard let number = Int(text), number > 0 else {
      throw NotMeasured("\(name) is \"\(text)\": a whole number above 0 was expected")
    }
    return number
  }

  /// Words separated by blanks.
  static func words(_ name: String, or standard: [String]) -> [String] {
    text(name)?.split(separator: " ").map(String.init) ?? standard
  }
}

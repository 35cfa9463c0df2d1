/// The settings of a command: one table for flags, environment variables, defaults and help. The raw value is the flag's
/// name without its hyphens.
package protocol Setting: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
  /// Environment variables of earlier programs that are understood as well.
  var formerNames: [String] { get }
  /// Nil when the setting may be left out.
  var standard: String? { get }
  /// What the help shows for the value.
  var valueName: String { get }
  var help: String { get }
}

extension Setting {
  /// `ELASTIC_LOCAL_VOLUME_GROUP` for `--volume-group`.
  package var environmentName: String {
    "ELASTIC_LOCAL_" + rawValue.split(separator: "-").joined(separator: "_").uppercased()
  }

  package var formerNames: [String] { [] }

  /// The lines of the help about this setting.
  package var usage: String {
    let flag = "--\(rawValue) \(valueName)"
    let names = ([environmentName] + formerNames).joined(separator: ", ")
    let standard = standard.map { " (default \($0))" } ?? ""
    let padding = String(repeating: " ", count: max(1, 30 - flag.utf8.count))
    return "  \(flag)\(padding)\(help)\(standard)\n" + String(repeating: " ", count: 32) + names
  }
}

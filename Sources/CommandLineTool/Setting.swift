/// The settings of a command: one table for flags, environment variables, defaults and help. The raw value is the
/// flag's name without its hyphens.
package protocol Setting: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
  /// Environment variables of earlier programs that are still accepted.
  var formerNames: [String] { get }
  /// The default. Nil if there is none.
  var standard: String? { get }
  /// The name of the value in the help.
  var valueName: String { get }
  var help: String { get }
}

extension Setting {
  /// The environment variable: `ELASTIC_LOCAL_VOLUME_GROUP` for `--volume-group`.
  package var environmentName: String {
    "ELASTIC_LOCAL_" + rawValue.split(separator: "-").joined(separator: "_").uppercased()
  }

  package var formerNames: [String] { [] }

  /// The lines of the help for this setting.
  package var usage: String {
    let flag = "--\(rawValue) \(valueName)"
    let names = ([environmentName] + formerNames).joined(separator: ", ")
    let standard = standard.map { " (default \($0))" } ?? ""
    let padding = String(repeating: " ", count: max(1, 30 - flag.utf8.count))
    return "  \(flag)\(padding)\(help)\(standard)\n" + String(repeating: " ", count: 32) + names
  }
}

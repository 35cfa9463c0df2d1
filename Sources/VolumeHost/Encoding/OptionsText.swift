/// Writes a map of strings as Go's encoding/json does: keys sorted by bytes, no white space, and `<`, `>`, `&`, U+2028
/// and U+2029 escaped.
enum OptionsText {
  static func encode(_ options: [String: String], version: KubernetesVersion) -> String {
    var text = "{"
    for (index, key) in options.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }).enumerated() {
      if index > 0 { text += "," }
      append(key, to: &text, version)
      text += ":"
      append(options[key] ?? "", to: &text, version)
    }
    return text + "}"
  }

  private static func append(_ value: String, to text: inout String, _ version: KubernetesVersion) {
    text += "\""
    for scalar in value.unicodeScalars { text += escape(scalar, version) ?? String(scalar) }
    text += "\""
  }

  private static func escape(_ scalar: Unicode.Scalar, _ version: KubernetesVersion) -> String? {
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case "\u{8}" where version.writesShortControlEscapes: "\\b"
    case "\u{c}" where version.writesShortControlEscapes: "\\f"
    case "\0"..<" ", "<", ">", "&", "\u{2028}", "\u{2029}": "\\u" + hexadecimal(scalar.value)
    default: nil
    }
  }

  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }
}

extension JSONValue {
  /// The value for people: a line for each member and element, two blanks further in than what holds it.
  package var indented: String { indented(by: 0) }

  private func indented(by depth: Int) -> String {
    switch self {
    case .array(let elements) where !elements.isEmpty:
      Self.lines("[", elements.map { $0.indented(by: depth + 1) }, "]", depth)
    case .object(let members) where !members.isEmpty:
      Self.lines(
        "{", members.map { "\(JSONValue.string($0.key).text): \($0.value.indented(by: depth + 1))" }, "}", depth)
    default: text
    }
  }

  private static func lines(_ first: String, _ inner: [String], _ last: String, _ depth: Int) -> String {
    let margin = String(repeating: "  ", count: depth)
    return "\(first)\n" + inner.map { "\(margin)  \($0)" }.joined(separator: ",\n") + "\n\(margin)\(last)"
  }

  /// The value without white space.
  package var text: String { String(decoding: encoded, as: UTF8.self) }
}

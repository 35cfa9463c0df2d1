import JSON
internal import StorageModel

/// The label and field selectors of a list or watch (apimachinery `labels.Parse`, `fields.ParseSelector`).
struct Selector: Sendable {
  private var labels: [Requirement] = []
  private var fields: [Requirement] = []

  struct Requirement: Hashable, Sendable {
    enum Operation: Hashable, Sendable { case isOneOf, isNoneOf, exists, existsNot }

    var key: String
    var operation: Operation
    var values: [String] = []

    func holds(for value: String?) -> Bool {
      switch operation {
      case .isOneOf: value.map(values.contains) ?? false
      case .isNoneOf: !(value.map(values.contains) ?? false)
      case .exists: value != nil
      case .existsNot: value == nil
      }
    }
  }

  init(labels: String?, fields: String?, of served: ServedResource) throws(StatusError) {
    self.labels = try Self.parts(of: labels ?? "").map { part throws(StatusError) in try Self.labelRequirement(part) }
    self.fields = try Self.parts(of: fields ?? "").map { part throws(StatusError) in
      let requirement = try Self.comparison(part)
      guard served.selectableFields.contains(requirement.key) else {
        throw StatusError(400, "BadRequest", "field label not supported: \(requirement.key)")
      }
      return requirement
    }
  }

  func matches(_ object: JSONValue) -> Bool {
    labels.allSatisfy { $0.holds(for: object["metadata", "labels"]?[[$0.key]]?.string) }
      && fields.allSatisfy { requirement in
        let value = object[requirement.key.split(separator: ".").map(String.init)]?.string
        return requirement.holds(for: value ?? "")
      }
  }

  /// Cuts at commas that stand in no parentheses.
  private static func parts(of text: String) -> [String] {
    var parts: [String] = [""]
    var depth = 0
    for character in text {
      depth += character == "(" ? 1 : character == ")" ? -1 : 0
      if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts.map(trimmed).filter { !$0.isEmpty }
  }

  private static func labelRequirement(_ part: String) throws(StatusError) -> Requirement {
    for (word, operation) in [(" notin ", Requirement.Operation.isNoneOf), (" in ", .isOneOf)] {
      guard let range = part.firstRange(of: word) else { continue }
      let values = part[range.upperBound...].filter { !"()".contains($0) }.split(separator: ",")
      return Requirement(
        key: trimmed(String(part[..<range.lowerBound])), operation: operation,
        values: values.map { trimmed(String($0)) })
    }
    if part.contains("=") { return try comparison(part) }
    if part.hasPrefix("!") { return Requirement(key: trimmed(String(part.dropFirst())), operation: .existsNot) }
    return Requirement(key: part, operation: .exists)
  }

  private static func comparison(_ part: String) throws(StatusError) -> Requirement {
    for (word, operation) in [("!=", Requirement.Operation.isNoneOf), ("==", .isOneOf), ("=", .isOneOf)] {
      guard let range = part.firstRange(of: word) else { continue }
      return Requirement(
        key: trimmed(String(part[..<range.lowerBound])), operation: operation,
        values: [trimmed(String(part[range.upperBound...]))])
    }
    throw StatusError(400, "BadRequest", "unable to parse requirement: \(part)")
  }

  private static func trimmed(_ text: String) -> String {
    var text = Substring(text)
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

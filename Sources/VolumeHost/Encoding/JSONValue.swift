/// A JSON value, its numbers still as they were written.
enum JSONValue: Hashable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONValue])
  /// Members in their order, doubles included: the later one counts.
  case object([Member])

  struct Member: Hashable {
    let key: String
    let value: JSONValue
  }

  /// What Go calls it in an error.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "bool"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }
}

/// A text that Go's encoding/json refuses, in its words.
struct JSONError: Error, Hashable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

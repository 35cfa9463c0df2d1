/// A JSON value. Numbers keep their text.
enum JSONValue: Hashable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONValue])
  /// The members in their order, with duplicates. The later one counts.
  case object([Member])

  struct Member: Hashable {
    let key: String
    let value: JSONValue
  }

  /// The name of this kind in Go's errors.
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

/// An error for a text that Go's encoding/json rejects, in Go's words.
struct JSONError: Error, Hashable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

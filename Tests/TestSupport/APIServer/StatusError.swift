import JSON
internal import StorageModel

/// An error reply of the API server: a `Status` object with a code.
package struct StatusError: Error, Hashable, Sendable {
  package var code: Int
  package var reason: String
  package var message: String
  /// The field that is wrong, for an invalid object.
  package var field: String?
  package var retryAfter: Int64?

  package init(_ code: Int, _ reason: String, _ message: String, field: String? = nil, retryAfter: Int64? = nil) {
    self.code = code
    self.reason = reason
    self.message = message
    self.field = field
    self.retryAfter = retryAfter
  }

  var body: JSONValue {
    let cause: JSONValue? = field.map {
      ["reason": "FieldValueInvalid", "field": .string($0), "message": .string(message)]
    }
    return .members([
      "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
      "reason": .string(reason), "code": .number(Int64(code)),
      "details": .members([
        "causes": cause.map { .array([$0]) }, "retryAfterSeconds": retryAfter.map { .number($0) },
      ]),
    ])
  }
}

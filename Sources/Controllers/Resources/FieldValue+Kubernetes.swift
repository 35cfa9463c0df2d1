package import JSON
package import KubernetesAPI
package import LinuxSystem
package import StorageModel

/// `metav1.Time`, in whole seconds.
extension Timestamp: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Timestamp? {
    try json.string().flatMap { Timestamp(rfc3339: $0) }
  }
  package var written: JSONValue? { .string(rfc3339) }
}

extension Quantity: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Quantity? { try json.quantity() }
  package var written: JSONValue? { .string(description) }
}

/// Left out when empty.
extension StringMap: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> StringMap? {
    try StringMap(json: &json)
  }
  package var written: JSONValue? { json }
}

extension ObjectReference: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> ObjectReference? {
    try ObjectReference(json: &json)
  }
  package var written: JSONValue? { json }
}

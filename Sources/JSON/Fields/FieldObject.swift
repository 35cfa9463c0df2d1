/// An object of ours, declared by its fields.
///
/// Reading is lenient, as for all objects: unknown members are passed over, and what is missing or of another type has its
/// default. Members that we do not know survive a write as long as it is a merge patch.
package protocol FieldObject: FieldValue, Hashable {
  /// All fields have their defaults.
  init()
  /// In the order in which they are written.
  static var fields: [Field<Self>] { get }
}

extension FieldObject {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Self? {
    guard try json.beginObject() else { return nil }
    var object = Self()
    while let key = try json.nextKey() {
      if let field = fields.first(where: { $0.name == key }) { try field.read(&json, &object) }
    }
    return object
  }

  /// The object's members; an object without any is still one.
  package var json: JSONValue {
    .object(
      Self.fields.compactMap { field in field.write(self).map { JSONValue.Member(field.name, $0) } })
  }

  package var written: JSONValue? { json }
}

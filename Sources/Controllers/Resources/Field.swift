package import JSON
internal import StorageModel

/// A member of an object of ours: its name in JSON and where it is kept. It is read and written by this one declaration.
package struct Field<Root>: Sendable {
  package let name: String
  let read: @Sendable (inout JSONReader, inout Root) throws(JSONSyntaxError) -> Void
  let write: @Sendable (Root) -> JSONValue?

  /// - Parameters:
  ///   - read: reads the next value. What it does not understand leaves the root as it was.
  ///   - write: the value, nil to leave the member out.
  package init(
    _ name: String, read: @escaping @Sendable (inout JSONReader, inout Root) throws(JSONSyntaxError) -> Void,
    write: @escaping @Sendable (Root) -> JSONValue?
  ) {
    self.name = name
    self.read = read
    self.write = write
  }

  /// A member that keeps its default when it is missing or of another type, and is left out when it has no JSON.
  package init<Value: FieldValue>(_ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable) {
    self.init(
      name,
      read: { (json: inout JSONReader, root: inout Root) throws(JSONSyntaxError) in
        if let value = try Value.read(&json) { root[keyPath: path] = value }
      }, write: { $0[keyPath: path].written })
  }

  /// The same for a member that is also left out when it is `omitted`.
  package init<Value: FieldValue & Equatable>(
    _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, omitting omitted: Value
  ) {
    let field = Field(name, path)
    self.init(name, read: field.read, write: { $0[keyPath: path] == omitted ? nil : field.write($0) })
  }
}

/// A value of a ``Field``.
package protocol FieldValue: Sendable {
  /// Reads the next value; nil for one of another type, which is passed over.
  static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Self?
  /// Nil leaves the member out.
  var written: JSONValue? { get }
}

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

/// The spec or the status of a kind that has none.
package struct NoFields: FieldObject {
  package init() {}

  package static var fields: [Field<NoFields>] { [] }
}

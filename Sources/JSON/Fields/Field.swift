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

package import JSON
package import StorageModel

/// An object of the API server, with only the fields that are used here.
///
/// Decoding is lenient: unknown fields are ignored, and absent fields or those of another type get their defaults. Only
/// text that is not JSON fails. An object that was read must not be written back whole, because unknown fields would be
/// lost.
package protocol APIObject: Sendable {
  /// The kind in the version that all supported API servers serve. Discovery finds another version where needed.
  static var resource: APIResource { get }
  var metadata: ObjectMeta { get set }
  /// Reads the next object.
  ///
  /// - Throws: `JSONSyntaxError` if the text is not JSON.
  init(json: inout JSONReader) throws(JSONSyntaxError)
}

/// An object that we also write.
package protocol WritableObject: APIObject {
  /// All members except `apiVersion`, `kind` and `metadata`.
  var content: [JSONValue.Member] { get }
}

extension WritableObject {
  /// The body that creates or replaces the object.
  package func json(as resource: APIResource = Self.resource) -> JSONValue {
    .object(
      [
        .init("apiVersion", .string(resource.apiVersion)), .init("kind", .string(resource.kind)),
        .init("metadata", metadata.json),
      ] + content)
  }
}

/// A reference to an object, as in claims, events and owners.
package struct ObjectReference: Hashable, Sendable {
  package var apiVersion = ""
  package var kind = ""
  package var namespace = ""
  package var name = ""
  package var uid = ""
  package var resourceVersion = ""

  package init(
    apiVersion: String = "", kind: String = "", namespace: String = "", name: String = "", uid: String = "",
    resourceVersion: String = ""
  ) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.namespace = namespace
    self.name = name
    self.uid = uid
    self.resourceVersion = resourceVersion
  }

  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "apiVersion": apiVersion = try json.string() ?? ""
      case "kind": kind = try json.string() ?? ""
      case "namespace": namespace = try json.string() ?? ""
      case "name": name = try json.string() ?? ""
      case "uid": uid = try json.string() ?? ""
      case "resourceVersion": resourceVersion = try json.string() ?? ""
      default: break
      }
    }
  }

  package var json: JSONValue {
    .members([
      "apiVersion": text(apiVersion), "kind": text(kind), "namespace": text(namespace), "name": text(name),
      "uid": text(uid), "resourceVersion": text(resourceVersion),
    ])
  }
}

extension APIObject {
  /// A reference to this object, for an Event or an owner.
  package var reference: ObjectReference {
    ObjectReference(
      apiVersion: Self.resource.apiVersion, kind: Self.resource.kind, namespace: metadata.namespace,
      name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion)
  }
}

/// A text for a body, nil when empty.
func text(_ value: String) -> JSONValue? { value.isEmpty ? nil : .string(value) }

/// A list of texts for a body, nil when empty.
func texts(_ values: [String]) -> JSONValue? { values.isEmpty ? nil : .array(values.map { .string($0) }) }

extension JSONReader {
  /// Reads a quantity, written as a string or a number; nil for any other value.
  package mutating func quantity() throws(JSONSyntaxError) -> Quantity? {
    var copy = self
    let text = try copy.string()
    let digits = try number()
    // Reading is lenient, see `APIObject`. The API server validates quantities, so an invalid one does not come from it.
    return (text ?? digits).flatMap { try? Quantity(parsing: $0) }
  }

  /// The elements of an array, each read by `element`.
  mutating func array<Element>(
    _ element: (inout JSONReader) throws(JSONSyntaxError) -> Element
  ) throws(JSONSyntaxError) -> [Element] {
    guard try beginArray() else { return [] }
    var result: [Element] = []
    while try nextElement() { result.append(try element(&self)) }
    return result
  }

  /// Reads one member of an object with `read`; nil when it is absent or not of the expected type.
  mutating func member<Value>(
    _ name: String, _ read: (inout JSONReader) throws(JSONSyntaxError) -> Value?
  ) throws(JSONSyntaxError) -> Value? {
    guard try beginObject() else { return nil }
    var result: Value?
    while let key = try nextKey() {
      if key == name { result = try read(&self) }
    }
    return result
  }
}

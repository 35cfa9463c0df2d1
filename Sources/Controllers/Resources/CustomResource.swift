package import JSON
package import KubernetesAPI
internal import StorageModel

/// One of our kinds: users write its spec, and one controller writes its status.
package protocol CustomResource: WritableObject {
  associatedtype Spec: FieldObject
  associatedtype Status: FieldObject

  var spec: Spec { get set }
  var status: Status { get set }

  init()
}

extension CustomResource {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "spec": spec = try Spec.read(&json) ?? Spec()
      case "status": status = try Status.read(&json) ?? Status()
      default: break
      }
    }
  }

  /// A server with the subresource `status` ignores the status of a created object.
  package var content: [JSONValue.Member] {
    (Spec.fields.isEmpty ? [] : [JSONValue.Member("spec", spec.json)])
      + (status == Status() ? [] : [JSONValue.Member("status", status.json)])
  }
}

extension ObjectWriter {
  /// Replaces the status of exactly this object and returns the new object. Sends no request if the status has not
  /// changed.
  ///
  /// Only one controller writes the status, so members that are not declared are removed.
  ///
  /// - Throws: ``WriteFailure``; `conflict` if the object has changed since it was read, or is another one of the same
  ///   name.
  package func replaceStatus<Object: CustomResource>(
    of seen: Object, with status: Object.Status, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    if seen.status == status { return seen }
    let version = PatchOperation.test(
      "metadata", "resourceVersion", value: .string(seen.metadata.resourceVersion))
    return try await change(
      Object.self, seen.metadata.key, uid: seen.metadata.uid, if: [version], [.add("status", value: status.json)],
      subresource: "status", as: resource)
  }
}

/// The spec or status of a kind that has none.
package struct NoFields: FieldObject {
  package init() {}

  package static var fields: [Field<NoFields>] { [] }
}

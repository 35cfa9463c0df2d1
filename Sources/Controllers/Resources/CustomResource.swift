package import JSON
package import KubernetesAPI
internal import StorageModel

/// A kind of ours: an object whose spec users write and whose status one controller writes.
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

  /// A server with the subresource `status` ignores the status of an object that is created.
  package var content: [JSONValue.Member] {
    (Spec.fields.isEmpty ? [] : [JSONValue.Member("spec", spec.json)])
      + (status == Status() ? [] : [JSONValue.Member("status", status.json)])
  }
}

extension ObjectWriter {
  /// Replaces the status of exactly this object, as it was seen: `conflict` when it is another one, or has changed since.
  /// Returns it as it is then. No request when the status is as `seen` has it.
  ///
  /// The status is one controller's alone, so members of it that are not declared go.
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

/// The spec or the status of a kind that has none.
package struct NoFields: FieldObject {
  package init() {}

  package static var fields: [Field<NoFields>] { [] }
}

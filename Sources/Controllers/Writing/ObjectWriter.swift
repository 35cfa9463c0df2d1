package import JSON
package import KubernetesAPI
internal import StorageModel

/// The one way in which controllers write objects, and read an object before a write that cannot be undone.
///
/// Each call is one request, except where it says otherwise. A change names what must still hold of the object; only an
/// object that nobody else writes is changed without that.
package struct ObjectWriter: Sendable {
  private let client: APIClient

  package init(_ client: APIClient) { self.client = client }
}

// MARK: - Reading

extension ObjectWriter {
  /// The object as the API server has it now, whatever a cache says; nil when there is none.
  package func find<Object: APIObject>(
    _ key: ObjectKey, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object? {
    do throws(WriteFailure) {
      return try await asking { () throws(APIError) in try await client.get(Object.self, key, as: resource) }
    } catch {
      guard error.kind != .missing else { return nil }
      throw error
    }
  }

  /// All objects of a selection, as the API server has them now.
  package func all<Object: APIObject>(
    _ selection: Selection, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> [Object] {
    try await asking { () throws(APIError) in
      var found: [Object] = []
      try await client.list(Object.self, selection, as: resource) { found.append($0) }
      return found
    }
  }
}

// MARK: - Creating and deleting

extension ObjectWriter {
  /// Creates an object and returns it as the server has it: `exists` when there is one of that name.
  package func create<Object: WritableObject>(
    _ object: Object, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    try await asking { () throws(APIError) in try await client.create(object, as: resource) }
  }

  /// Deletes exactly this object, as it was seen: `conflict` when it is another one, or has changed since.
  package func delete<Object: APIObject>(
    _ object: Object, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) {
    try await delete(object, resource, resourceVersion: object.metadata.resourceVersion)
  }

  /// Deletes exactly this object, whatever has changed in it since it was seen. One that is gone is fine.
  package func remove<Object: APIObject>(
    _ object: Object, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) {
    try await ignoringMissing { () throws(WriteFailure) in
      try await delete(object, resource, resourceVersion: nil)
    }
  }

  private func delete(
    _ object: some APIObject, _ resource: APIResource, resourceVersion: String?
  ) async throws(WriteFailure) {
    try await asking { () throws(APIError) in
      try await client.delete(
        resource, object.metadata.key, uid: object.metadata.uid, resourceVersion: resourceVersion)
    }
  }
}

// MARK: - Changing

extension ObjectWriter {
  /// Changes exactly this object, as it was seen, and returns it as it is then: `conflict` when it is another one, or has
  /// changed since.
  ///
  /// - Parameter members: a merge patch: the members that are named are replaced, null removes, all others stay.
  @discardableResult
  package func change<Object: APIObject>(
    _ object: Object, _ members: JSONValue, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    try await patch(object.metadata.key, .merge(members, ifStill: object.metadata), nil, resource)
  }

  /// Changes an object if the tested fields are as expected, whatever else has changed in it: `conflict` otherwise.
  ///
  /// - Parameter uid: of the object that is meant.
  @discardableResult
  package func change<Object: APIObject>(
    _ type: Object.Type, _ key: ObjectKey, uid: String, if tests: [PatchOperation] = [], _ changes: [PatchOperation],
    subresource: String? = nil, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    let operations = [PatchOperation.test("metadata", "uid", value: .string(uid))] + tests + changes
    return try await patch(key, .operations(operations), subresource, resource)
  }

  /// Changes an object that nobody else writes, or creates it when there is none, with a second request. Returns it as it is
  /// then.
  package func put<Object: WritableObject>(
    _ object: Object, _ members: JSONValue, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    do throws(WriteFailure) {
      return try await patch(object.metadata.key, .merge(members), nil, resource)
    } catch {
      guard error.kind == .missing else { throw error }
      return try await create(object, as: resource)
    }
  }

  private func patch<Object: APIObject>(
    _ key: ObjectKey, _ patch: Patch, _ subresource: String?, _ resource: APIResource
  ) async throws(WriteFailure) -> Object {
    try await asking { () throws(APIError) in
      try await client.patch(Object.self, key, patch, subresource: subresource, as: resource)
    }
  }
}

// MARK: - Status

extension ObjectWriter {
  /// Changes the status of exactly this object, as it was seen: `conflict` when it is another one, or has changed since.
  ///
  /// - Parameter status: a merge patch of the status. Arrays are replaced whole.
  @discardableResult
  package func changeStatus<Object: APIObject>(
    of object: Object, _ status: JSONValue, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    try await patch(object.metadata.key, .merge(["status": status], ifStill: object.metadata), "status", resource)
  }

  /// Changes the status of an object that nobody else writes. Creates the object when there is none, with two more requests:
  /// a server ignores the status of an object that is created.
  ///
  /// - Parameter object: what is created: its status is left out.
  package func putStatus<Object: WritableObject>(
    of object: Object, _ status: JSONValue, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) {
    let change = Patch.merge(["status": status])
    do throws(WriteFailure) {
      let _: Object = try await patch(object.metadata.key, change, "status", resource)
    } catch {
      guard error.kind == .missing else { throw error }
      _ = try await create(object, as: resource)
      let _: Object = try await patch(object.metadata.key, change, "status", resource)
    }
  }
}

// MARK: - Finalizers

extension ObjectWriter {
  /// Adds a finalizer to exactly this object, as it was seen, and returns it as it is then. No request when it has it already.
  ///
  /// The server refuses one on an object that is being deleted (`rejected`).
  package func addFinalizer<Object: APIObject>(
    _ name: String, to object: Object, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    if object.metadata.finalizers.contains(name) { return object }
    return try await change(object, Self.finalizers(object.metadata.finalizers + [name]), as: resource)
  }

  /// Takes a finalizer off exactly this object, as it was seen. An object that is gone is fine, and so is one without it.
  package func removeFinalizer<Object: APIObject>(
    _ name: String, from object: Object, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) {
    guard object.metadata.finalizers.contains(name) else { return }
    let rest = object.metadata.finalizers.filter { $0 != name }
    try await ignoringMissing { () throws(WriteFailure) in
      try await change(object, Self.finalizers(rest), as: resource)
    }
  }

  private static func finalizers(_ names: [String]) -> JSONValue {
    ["metadata": ["finalizers": .array(names.map { .string($0) })]]
  }
}

// MARK: - Errors

extension ObjectWriter {
  private func asking<Value>(_ body: () async throws(APIError) -> Value) async throws(WriteFailure) -> Value {
    do throws(APIError) { return try await body() } catch { throw WriteFailure(error) }
  }

  private func ignoringMissing<Value>(_ body: () async throws(WriteFailure) -> Value) async throws(WriteFailure) {
    do throws(WriteFailure) {
      _ = try await body()
    } catch {
      guard error.kind == .missing else { throw error }
    }
  }
}

package import JSON
package import KubernetesAPI
internal import StorageModel

/// The only way in which controllers write objects, and read an object before a write that cannot be undone.
/// Each call sends one request, except where its comment says otherwise. A change carries preconditions about the
/// object. Only an object with a single writer is changed without them. All calls throw ``WriteFailure``.
package struct ObjectWriter: Sendable {
  private let client: APIClient

  package init(_ client: APIClient) { self.client = client }
}

// MARK: - Reading

extension ObjectWriter {
  /// Reads the object from the API server, not from a cache; nil when it does not exist.
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

  /// Reads all objects of a selection from the API server.
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
  /// Creates an object and returns it as the server has stored it. Throws `exists` if there is an object of this name.
  package func create<Object: WritableObject>(
    _ object: Object, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    try await asking { () throws(APIError) in try await client.create(object, as: resource) }
  }

  /// Deletes exactly this object. Throws `conflict` if it has changed since it was read, or is another one of the same
  /// name.
  package func delete<Object: APIObject>(
    _ object: Object, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) {
    try await delete(object, resource, resourceVersion: object.metadata.resourceVersion)
  }

  /// Deletes exactly this object, even if it has changed since it was read. An object that is gone is not an error.
  ///
  /// - Parameter propagation: how the objects that it owns are deleted: `Foreground`, `Background` or `Orphan`. Nil leaves that to
  ///   the API server's default for the kind.
  package func remove<Object: APIObject>(
    _ object: Object, as resource: APIResource = Object.resource, propagation: String? = nil
  ) async throws(WriteFailure) {
    try await ignoringMissing { () throws(WriteFailure) in
      try await delete(object, resource, resourceVersion: nil, propagation: propagation)
    }
  }

  private func delete(
    _ object: some APIObject, _ resource: APIResource, resourceVersion: String?, propagation: String? = nil
  ) async throws(WriteFailure) {
    try await asking { () throws(APIError) in
      try await client.delete(
        resource, object.metadata.key, uid: object.metadata.uid, resourceVersion: resourceVersion,
        propagation: propagation)
    }
  }
}

// MARK: - Changing

extension ObjectWriter {
  /// Changes exactly this object and returns the new object. Throws `conflict` if it has changed since it was read, or
  /// is another one of the same name.
  ///
  /// - Parameter members: a merge patch. Named members are replaced, null removes one, all others stay.
  @discardableResult
  package func change<Object: APIObject>(
    _ object: Object, _ members: JSONValue, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    try await patch(object.metadata.key, .merge(members, ifStill: object.metadata), nil, resource)
  }

  /// Changes an object if the tested fields have the expected values, even if others have changed. Throws `conflict`
  /// otherwise.
  ///
  /// - Parameter uid: the UID of the object to change.
  @discardableResult
  package func change<Object: APIObject>(
    _ type: Object.Type, _ key: ObjectKey, uid: String, if tests: [PatchOperation] = [], _ changes: [PatchOperation],
    subresource: String? = nil, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    let operations = [PatchOperation.test("metadata", "uid", value: .string(uid))] + tests + changes
    return try await patch(key, .operations(operations), subresource, resource)
  }

  /// Changes an object that has no other writer, and returns the new object. If it does not exist, creates it with a
  /// second request.
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
  /// Changes the status of exactly this object. Throws `conflict` if it has changed since it was read, or is another
  /// one of the same name.
  ///
  /// - Parameter status: a merge patch of the status. Arrays are replaced whole.
  @discardableResult
  package func changeStatus<Object: APIObject>(
    of object: Object, _ status: JSONValue, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    try await patch(object.metadata.key, .merge(["status": status], ifStill: object.metadata), "status", resource)
  }

  /// Changes the status of an object that has no other writer. If the object does not exist, creates it with two more
  /// requests, because a server ignores the status of a created object.
  ///
  /// - Parameter object: the object to create, whose status is left out.
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
  /// Adds a finalizer to exactly this object and returns the new object. Sends no request if the object has the
  /// finalizer.
  ///
  /// Throws `rejected` if the object is being deleted, and `conflict` if it has changed since it was read.
  package func addFinalizer<Object: APIObject>(
    _ name: String, to object: Object, as resource: APIResource = Object.resource
  ) async throws(WriteFailure) -> Object {
    if object.metadata.finalizers.contains(name) { return object }
    return try await change(object, Self.finalizers(object.metadata.finalizers + [name]), as: resource)
  }

  /// Removes a finalizer from exactly this object. An object that is gone, or has no such finalizer, is not an error.
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

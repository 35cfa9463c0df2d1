package import JSON

/// A change of some fields of an object. All other fields stay, even those that are unknown here.
package enum Patch: Hashable, Sendable {
  /// RFC 7386: members replace, null removes. The precondition is `metadata.resourceVersion` (409 when it has changed).
  case merge(JSONValue)
  /// RFC 6902: a list of operations, carried out all or none. The precondition is a `test` (422 when it fails).
  case operations([PatchOperation])

  /// A merge patch that the server applies only if the object has not changed since it was read.
  package static func merge(_ members: JSONValue, ifStill metadata: ObjectMeta) -> Patch {
    let version: JSONValue = [
      "metadata": ["resourceVersion": .string(metadata.resourceVersion), "uid": .string(metadata.uid)]
    ]
    return .merge(members.merged(with: version))
  }

  var contentType: String {
    switch self {
    case .merge: "application/merge-patch+json"
    case .operations: "application/json-patch+json"
    }
  }

  var body: [UInt8] {
    switch self {
    case .merge(let value): value.encoded
    case .operations(let operations): JSONValue.array(operations.map(\.json)).encoded
    }
  }
}

/// One step of a JSON patch.
package struct PatchOperation: Hashable, Sendable {
  let json: JSONValue

  private init(_ name: String, _ path: [String], _ value: JSONValue?) {
    // `~` and `/` are escaped in pointers (RFC 6901, section 3).
    let pointer = path.map { "/" + $0.flatMap { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) } }.joined()
    json = .members(["op": .string(name), "path": .string(pointer), "value": value])
  }

  /// Fails the patch unless the field has this value.
  package static func test(_ path: String..., value: JSONValue) -> PatchOperation { .init("test", path, value) }
  /// Sets a member, or inserts an element before that index (`-`: at the end).
  package static func add(_ path: String..., value: JSONValue) -> PatchOperation { .init("add", path, value) }
  /// Replaces an existing value.
  package static func replace(_ path: String..., value: JSONValue) -> PatchOperation { .init("replace", path, value) }
  /// Removes an existing value.
  package static func remove(_ path: String...) -> PatchOperation { .init("remove", path, nil) }
}

extension JSONValue {
  /// This object with the members of the other added or replaced.
  package func merged(with other: JSONValue) -> JSONValue {
    guard case .object(var members) = self, case .object(let additions) = other else { return other }
    for addition in additions {
      if let index = members.firstIndex(where: { $0.key == addition.key }) {
        members[index] = Member(addition.key, members[index].value.merged(with: addition.value))
      } else {
        members.append(addition)
      }
    }
    return .object(members)
  }
}

package import JSON
package import KubernetesAPI
internal import StorageModel

/// An object that is put there or edited by hand, with its status.
package protocol ObjectWithStatus: WritableObject {
  /// The status, which the body of a creation leaves out; nil for none.
  var statusValue: JSONValue? { get }
}

extension PersistentVolume: ObjectWithStatus {
  package var statusValue: JSONValue? { phase.isEmpty ? nil : ["phase": .string(phase)] }
}

extension PersistentVolumeClaim: ObjectWithStatus {
  package var statusValue: JSONValue? {
    guard !phase.isEmpty else { return nil }
    return .members([
      "phase": .string(phase), "capacity": capacity.map { ["storage": .string($0.description)] },
    ])
  }
}

extension ObjectWithStatus {
  fileprivate var whole: JSONValue {
    var value = json()
    value[["status"]] = statusValue
    value[["metadata", "deletionTimestamp"]] = metadata.deletionTimestamp.map { .string($0.rfc3339) }
    return value
  }
}

// Objects by hand, as whoever has the API server's database can make them.
extension SimulatedAPIServer {
  /// Puts an object there as it is: with its UID, its status, and perhaps on its way out. It takes the place of one of its
  /// name; with another UID that one is deleted first.
  package func put(_ object: some ObjectWithStatus) { put(object.whole, as: type(of: object).resource) }

  /// Puts any object there as it is. Without a UID it has its predecessor's, or a new one.
  package func put(_ object: JSONValue, as resource: APIResource) {
    let key = ObjectKey(
      namespace: object["metadata", "namespace"]?.string ?? "", name: object["metadata", "name"]?.string ?? "")
    change { [time] state in
      state.database.restore(object, Self.databaseKey(resource, key), at: time.wallClock)
    }
  }

  /// Changes an object by hand, its status too. Fields that the type does not have are lost, and those of the metadata that
  /// nobody can change stay. Nothing where there is none.
  package func edit<Object: ObjectWithStatus>(
    _ type: Object.Type, _ key: ObjectKey, _ body: (inout Object) -> Void
  ) {
    edit(Object.resource, key) { value in
      var json = JSONReader(value.encoded)
      guard var object = try? Object(json: &json) else { return }  // it was encoded just now
      body(&object)
      value = object.whole
    }
  }
}

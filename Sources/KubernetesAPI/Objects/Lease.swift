package import JSON
package import LinuxSystem

/// The holder of a leadership, and how long it lasts unless renewed.
package struct Lease: WritableObject {
  package static let resource = APIResource(
    group: "coordination.k8s.io", name: "leases", kind: "Lease", isNamespaced: true)

  package var metadata: ObjectMeta
  /// Empty when there is no holder.
  package var holder = ""
  package var durationSeconds: Int64 = 0
  package var acquireTime: Timestamp?
  package var renewTime: Timestamp?
  /// How often the holder has changed.
  package var transitions: Int64 = 0

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension Lease {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "spec": try readSpec(&json)
      default: break
      }
    }
  }

  private mutating func readSpec(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "holderIdentity": holder = try json.string() ?? ""
      case "leaseDurationSeconds": durationSeconds = try json.integer() ?? 0
      case "acquireTime": acquireTime = try json.string().flatMap { Timestamp(rfc3339: $0) }
      case "renewTime": renewTime = try json.string().flatMap { Timestamp(rfc3339: $0) }
      case "leaseTransitions": transitions = try json.integer() ?? 0
      default: break
      }
    }
  }

  package var content: [JSONValue.Member] {
    let spec: JSONValue = .members([
      "holderIdentity": text(holder), "leaseDurationSeconds": .number(durationSeconds),
      "acquireTime": acquireTime.map { .string($0.rfc3339Micro) },
      "renewTime": renewTime.map { .string($0.rfc3339Micro) }, "leaseTransitions": .number(transitions),
    ])
    return [.init("spec", spec)]
  }
}

package import JSON
package import LinuxSystem

/// An Event of `core/v1`, which every API server accepts. `kubectl describe` shows it below its object.
package struct Event: WritableObject {
  package static let resource = APIResource(name: "events", kind: "Event", isNamespaced: true)

  package var metadata: ObjectMeta
  package var involvedObject = ObjectReference()
  package var reason = ""
  package var message = ""
  /// `Normal` or `Warning`.
  package var type = "Normal"
  /// The sender: the program, and the node on which it runs.
  package var component = ""
  package var host = ""
  package var firstTimestamp: Timestamp?
  package var lastTimestamp: Timestamp?
  package var count: Int64 = 1

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension Event {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "involvedObject": involvedObject = try ObjectReference(json: &json)
      case "reason": reason = try json.string() ?? ""
      case "message": message = try json.string() ?? ""
      case "type": type = try json.string() ?? ""
      case "source": try readSource(&json)
      case "firstTimestamp": firstTimestamp = try json.string().flatMap { Timestamp(rfc3339: $0) }
      case "lastTimestamp": lastTimestamp = try json.string().flatMap { Timestamp(rfc3339: $0) }
      case "count": count = try json.integer() ?? 1
      default: break
      }
    }
  }

  private mutating func readSource(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "component": component = try json.string() ?? ""
      case "host": host = try json.string() ?? ""
      default: break
      }
    }
  }

  package var content: [JSONValue.Member] {
    let members: [JSONValue.Member?] = [
      .init("involvedObject", involvedObject.json), .init("reason", .string(reason)),
      .init("message", .string(message)), .init("type", .string(type)), .init("count", .number(count)),
      .init("source", .members(["component": text(component), "host": text(host)])),
      .init("reportingComponent", .string(component)), .init("reportingInstance", .string(host)),
      firstTimestamp.map { .init("firstTimestamp", .string($0.rfc3339)) },
      lastTimestamp.map { .init("lastTimestamp", .string($0.rfc3339)) },
    ]
    return members.compactMap { $0 }
  }
}

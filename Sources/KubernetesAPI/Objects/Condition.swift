package import JSON
package import LinuxSystem
internal import StorageModel

/// A condition in a status (`metav1.Condition`).
package struct Condition: Hashable, Sendable {
  /// The value of a condition.
  package enum Status: String, Sendable, CaseIterable {
    case `true` = "True"
    case `false` = "False"
    case unknown = "Unknown"
  }

  package var type = ""
  /// A ``Status``, or a value of a later release.
  package var status = ""
  /// One word in camel case, for machines.
  package var reason = ""
  package var message = ""
  /// `metadata.generation` of the object that was checked; 0 when absent.
  package var observedGeneration: Int64 = 0
  /// The time of the last change of the status.
  package var lastTransitionTime: Timestamp?

  package init(type: String, status: String) {
    self.type = type
    self.status = status
  }

  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "type": type = try json.string() ?? ""
      case "status": status = try json.string() ?? ""
      case "reason": reason = try json.string() ?? ""
      case "message": message = try json.string() ?? ""
      case "observedGeneration": observedGeneration = try json.integer() ?? 0
      case "lastTransitionTime": lastTransitionTime = try json.string().flatMap { Timestamp(rfc3339: $0) }
      default: break
      }
    }
  }

  package var json: JSONValue {
    .members([
      "type": .string(type), "status": .string(status),
      // kube-apiserver 1.20 built with a current Go takes an empty text in a custom resource for null, and refuses it.
      "reason": reason.isEmpty ? nil : .string(reason), "message": message.isEmpty ? nil : .string(message),
      "observedGeneration": observedGeneration == 0 ? nil : .number(observedGeneration),
      "lastTransitionTime": lastTransitionTime.map { .string($0.rfc3339) },
    ])
  }
}

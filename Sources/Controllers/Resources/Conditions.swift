package import JSON
package import KubernetesAPI
package import LinuxSystem
internal import StorageModel

/// The conditions of a status: one per type, in the order in which they were set. Conditions of other writers stay as
/// they are.
package struct Conditions: Hashable, Sendable {
  package private(set) var all: [Condition] = []

  package init() {}

  package subscript(type: String) -> Condition? { all.first { $0.type == type } }

  /// Whether the condition exists and is true.
  package func isTrue(_ type: String) -> Bool { self[type]?.status == Condition.Status.true.rawValue }

  /// Sets a condition. `lastTransitionTime` changes with the status only, so it is the time since which the status
  /// holds.
  ///
  /// - Parameters:
  ///   - reason: one word in camel case, for machines.
  /// - generation: `metadata.generation` of the object that was reconciled.
  package mutating func set(
    _ type: String, _ status: Condition.Status, reason: String, _ message: String, generation: Int64, at now: Timestamp
  ) {
    let known = all.firstIndex { $0.type == type }
    var condition = Condition(type: type, status: status.rawValue)
    condition.reason = reason
    condition.message = message
    condition.observedGeneration = generation
    let former = known.map { all[$0] }
    // Whole seconds, as written, so that the value read back is the same.
    let isSame = former?.status == condition.status && former?.lastTransitionTime != nil
    condition.lastTransitionTime = isSame ? former?.lastTransitionTime : Timestamp(seconds: now.seconds)
    if let known { all[known] = condition } else { all.append(condition) }
  }

  /// Removes a condition that no longer applies.
  package mutating func remove(_ type: String) { all.removeAll { $0.type == type } }
}

extension Conditions: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Conditions? {
    guard try json.beginArray() else { return nil }
    var conditions = Conditions()
    while try json.nextElement() {
      let condition = try Condition(json: &json)
      // The list's key is the type, so the server stores at most one condition per type.
      if !condition.type.isEmpty, conditions[condition.type] == nil { conditions.all.append(condition) }
    }
    return conditions
  }

  /// Left out when empty.
  package var written: JSONValue? { all.isEmpty ? nil : .array(all.map(\.json)) }
}

package import JSON
package import KubernetesAPI
package import LinuxSystem
internal import StorageModel

/// The conditions of a status: one of each type, in the order in which they came. Others' conditions stay as they are.
package struct Conditions: Hashable, Sendable {
  package private(set) var all: [Condition] = []

  package init() {}

  package subscript(type: String) -> Condition? { all.first { $0.type == type } }

  /// Whether a condition is there and true.
  package func isTrue(_ type: String) -> Bool { self[type]?.status == Condition.Status.true.rawValue }

  /// Says how something is. `lastTransitionTime` changes with the status only, so it says since when it is so.
  ///
  /// - Parameters:
  ///   - reason: one word in camel case, for machines.
  ///   - generation: `metadata.generation` of the object that was looked at.
  package mutating func set(
    _ type: String, _ status: Condition.Status, reason: String, _ message: String, generation: Int64, at now: Timestamp
  ) {
    let known = all.firstIndex { $0.type == type }
    var condition = Condition(type: type, status: status.rawValue)
    condition.reason = reason
    condition.message = message
    condition.observedGeneration = generation
    let former = known.map { all[$0] }
    // Whole seconds, as it is written: what is read back is then the same.
    let isSame = former?.status == condition.status && former?.lastTransitionTime != nil
    condition.lastTransitionTime = isSame ? former?.lastTransitionTime : Timestamp(seconds: now.seconds)
    if let known { all[known] = condition } else { all.append(condition) }
  }

  /// Takes a condition back that says nothing any more.
  package mutating func remove(_ type: String) { all.removeAll { $0.type == type } }
}

extension Conditions: FieldValue {
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> Conditions? {
    guard try json.beginArray() else { return nil }
    var conditions = Conditions()
    while try json.nextElement() {
      let condition = try Condition(json: &json)
      // A list with the type as its key: the server holds no two of one type.
      if !condition.type.isEmpty, conditions[condition.type] == nil { conditions.all.append(condition) }
    }
    return conditions
  }

  /// Left out when there is none.
  package var written: JSONValue? { all.isEmpty ? nil : .array(all.map(\.json)) }
}

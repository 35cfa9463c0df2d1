package import JSON

/// A node of the cluster, without images and addresses, which make nodes large.
package struct Node: APIObject {
  package static let resource = APIResource(name: "nodes", kind: "Node", isNamespaced: false)

  package var metadata: ObjectMeta
  /// Cordoned: the scheduler assigns no new pods.
  package var isUnschedulable = false
  package var hasTaints = false
  /// Condition `Ready`, from kubelet, or from the node controller when kubelet no longer reports.
  package var isReady = false

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension Node {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "spec": try readSpec(&json)
      case "status": try readStatus(&json)
      default: break
      }
    }
  }

  private mutating func readSpec(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "unschedulable": isUnschedulable = try json.bool() ?? false
      case "taints":
        guard try json.beginArray() else { continue }
        while try json.nextElement() { hasTaints = true }
      default: break
      }
    }
  }

  private mutating func readStatus(_ json: inout JSONReader) throws(JSONSyntaxError) {
    let conditions = try json.member("conditions") { json throws(JSONSyntaxError) in try json.array(Condition.init) }
    isReady = conditions?.contains { $0.type == "Ready" && $0.status == "True" } ?? false
  }
}

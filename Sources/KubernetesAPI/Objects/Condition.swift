internal import JSON

/// A condition in a status; times are dropped.
package struct Condition: Hashable, Sendable {
  package var type = ""
  /// `True`, `False` or `Unknown`.
  package var status = ""
  package var reason = ""
  package var message = ""

  package init(type: String, status: String) {
    self.type = type
    self.status = status
  }

  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "type": type = try json.string() ?? ""
      case "status": status = try json.string() ?? ""
      case "reason": reason = try json.string() ?? ""
      case "message": message = try json.string() ?? ""
      default: break
      }
    }
  }
}

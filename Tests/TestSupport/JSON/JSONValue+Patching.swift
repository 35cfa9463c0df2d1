package import JSON
internal import StorageModel

/// Why a JSON patch could not be applied.
package struct PatchFailure: Error, Hashable, Sendable {
  package var message: String
}

extension JSONValue {
  /// Applies a JSON merge patch (RFC 7386).
  package func mergePatched(_ patch: JSONValue) -> JSONValue {
    guard let changes = patch.members else { return patch }
    var result = members == nil ? JSONValue.object([]) : self
    for change in changes {
      let former = result[[change.key]]
      result[[change.key]] = change.value == .null ? nil : (former ?? .null).mergePatched(change.value)
    }
    return result
  }

  /// Applies a JSON patch (RFC 6902): `test`, `add`, `replace` and `remove`; all of it or nothing.
  package func patched(_ operations: JSONValue) throws(PatchFailure) -> JSONValue {
    var result = self
    for operation in operations.elements ?? [] {
      let path = (operation["path"]?.string ?? "").split(separator: "/", omittingEmptySubsequences: false).dropFirst()
      let pointer = path.map { Self.unescaped(String($0)) }
      result = try result.applying(operation["op"]?.string ?? "", pointer, operation["value"])
    }
    return result
  }

  private static func unescaped(_ word: String) -> String {
    word.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
      .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
  }

  private func applying(
    _ operation: String, _ path: [String], _ value: JSONValue?
  ) throws(PatchFailure) -> JSONValue {
    guard let key = path.first else { return try applied(operation, here: value) }
    if case .array(let elements) = self { return try applying(operation, path, value, to: elements) }
    guard members != nil else { throw PatchFailure(message: "there is no /\(path.joined(separator: "/"))") }
    var result = self
    if path.count > 1 {
      guard let child = self[[key]] else { throw PatchFailure(message: "there is no \(key)") }
      result[[key]] = try child.applying(operation, Array(path.dropFirst()), value)
      return result
    }
    switch operation {
    case "add": result[[key]] = value
    case "remove":
      guard self[[key]] != nil else { throw PatchFailure(message: "there is no \(key) to remove") }
      result[[key]] = nil
    default:
      guard let child = self[[key]] else { throw PatchFailure(message: "there is no \(key)") }
      result[[key]] = try child.applied(operation, here: value)
    }
    return result
  }

  private func applied(_ operation: String, here value: JSONValue?) throws(PatchFailure) -> JSONValue {
    switch operation {
    case "test":
      guard isSame(as: value ?? .null) else { throw PatchFailure(message: "testing value failed") }
      return self
    case "add", "replace": return value ?? .null
    default: throw PatchFailure(message: "unsupported operation \(operation)")
    }
  }

  private func applying(
    _ operation: String, _ path: [String], _ value: JSONValue?, to elements: [JSONValue]
  ) throws(PatchFailure) -> JSONValue {
    var elements = elements
    let index = path[0] == "-" ? elements.count : Int(path[0]) ?? -1
    if path.count == 1, operation == "add", (0...elements.count).contains(index) {
      elements.insert(value ?? .null, at: index)
      return .array(elements)
    }
    guard elements.indices.contains(index) else { throw PatchFailure(message: "there is no element \(path[0])") }
    if path.count == 1, operation == "remove" {
      elements.remove(at: index)
    } else {
      elements[index] = try elements[index].applying(operation, Array(path.dropFirst()), value)
    }
    return .array(elements)
  }
}

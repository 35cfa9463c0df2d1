import JSON
import StorageModel

/// Some members of a JSON object.
enum JSONMembers {
  /// The strings and whole numbers among the wanted members, by path, for example `user.username`.
  static func read(_ bytes: [UInt8], _ wanted: Set<String>) throws -> [String: String] {
    var json = JSONReader(bytes)
    var members: [String: String] = [:]
    try read(&json, below: "", wanted, into: &members)
    return members
  }

  private static func read(
    _ json: inout JSONReader, below prefix: String, _ wanted: Set<String>, into members: inout [String: String]
  ) throws {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      let path = prefix + key
      if wanted.contains(path) {
        // A value of another type is ignored. A copy is parsed first.
        var copy = json
        members[path] = try copy.string() ?? json.number()
      } else if wanted.contains(where: { $0.hasPrefix(path + ".") }) {
        try read(&json, below: path + ".", wanted, into: &members)
      }
    }
  }
}

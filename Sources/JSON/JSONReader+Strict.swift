extension JSONReader {
  /// A reader of a text that nothing may be guessed of: the bytes must be UTF-8, and no escape may be half a character.
  ///
  /// - Throws: for bytes that are no UTF-8.
  package init(strict bytes: [UInt8]) throws(JSONSyntaxError) {
    self.init(bytes)
    guard String(validating: bytes, as: UTF8.self) != nil else { throw syntaxError("not UTF-8") }
    isStrict = true
  }

  /// The members of an object in their order, each with nil for a value that is no string. Nil for another value.
  package mutating func members() throws(JSONSyntaxError) -> [(key: String, value: String?)]? {
    guard try beginObject() else { return nil }
    var members: [(key: String, value: String?)] = []
    while let key = try nextKey() { members.append((key, try string())) }
    return members
  }
}

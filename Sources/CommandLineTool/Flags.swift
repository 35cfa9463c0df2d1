package import StorageModel

/// Parses flags: `--name value` and `--name=value`.
package enum Flags {
  /// Returns the flags of a command line, in order.
  ///
  /// - Parameters:
  ///   - known: the names of the flags, without their hyphens.
  ///   - command: the program or command that has the flags, for messages.
  /// - Throws: `invalid` for a word that is no flag, an unknown flag, or a flag without a value.
  package static func parse(
    _ words: [String], known: Set<String>, of command: String
  ) throws(VolumeError) -> [(name: String, value: String)] {
    var result: [(name: String, value: String)] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("--") else { throw VolumeError(.invalid, "\(quoted(word)) is not a flag") }
      let pair = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard known.contains(String(pair[0])) else {
        throw VolumeError(
          .invalid,
          "\(command) has no flag \(quoted("--" + pair[0])); its flags are "
            + known.sorted().map { "--" + $0 }.joined(separator: ", "))
      }
      if pair.count == 2 {
        result.append((String(pair[0]), String(pair[1])))
      } else if let value = rest.popFirst() {
        result.append((String(pair[0]), value))
      } else {
        throw VolumeError(.invalid, "flag \(quoted(word)) needs a value")
      }
    }
    return result
  }
}

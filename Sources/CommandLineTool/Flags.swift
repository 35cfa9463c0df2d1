package import StorageModel

/// `--name value` and `--name=value`.
package enum Flags {
  /// - Throws: `invalid` for a word that is no flag, and for a flag without a value.
  package static func parse(_ words: [String]) throws(VolumeError) -> [(name: String, value: String)] {
    var result: [(name: String, value: String)] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("--") else { throw VolumeError(.invalid, "\(quoted(word)) is no flag") }
      let pair = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2 {
        result.append((String(pair[0]), String(pair[1])))
      } else if let value = rest.popFirst() {
        result.append((String(pair[0]), value))
      } else {
        throw VolumeError(.invalid, "flag \(quoted(word)) wants a value")
      }
    }
    return result
  }
}

internal import FoundationEssentials
internal import StorageModel

extension VolumeOptions {
  /// Reads the options as kubelet sends them: a flat JSON object of strings.
  ///
  /// - Throws: `invalid`. The message names the key at fault and never shows the document: it can hold secrets.
  init(json text: String) throws(VolumeError) {
    let values: [String: Value]
    do {
      values = try JSONDecoder().decode([String: Value].self, from: Data(text.utf8))
    } catch {
      throw VolumeError(.invalid, "the options (\(text.utf8.count) bytes) are not a JSON object")
    }
    var strings: [String: String] = [:]
    for (key, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let string = value.text else { throw VolumeError(.invalid, "option \(quoted(key)) is not a string") }
      strings[key] = string
    }
    try self.init(strings)
  }

  /// A value that may or may not be a string.
  private struct Value: Decodable {
    let text: String?

    init(from decoder: any Decoder) throws {
      text = try? decoder.singleValueContainer().decode(String.self)  // not a string: that is the answer
    }
  }
}

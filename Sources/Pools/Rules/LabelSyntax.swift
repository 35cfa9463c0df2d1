internal import StorageModel

/// What the API server takes for keys and values of labels and annotations (apimachinery `validation.IsQualifiedName`,
/// `IsValidLabelValue`).
enum LabelSyntax {
  /// `name` or `prefix/name`; the prefix is a DNS subdomain.
  static func isKey(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    switch parts.count {
    case 1: return isWord(parts[0])
    case 2: return ClusterNames.isObjectName(parts[0]) && isWord(parts[1])
    default: return false
    }
  }

  static func isValue(_ text: String) -> Bool { text.isEmpty || isWord(text) }

  /// At most 63 letters, digits, `-`, `_` and `.`, the first and the last a letter or digit.
  private static func isWord(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
    return isAlphanumeric(first) && isAlphanumeric(last)
      && bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
}

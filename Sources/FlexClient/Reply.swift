/// The status of a reply: the three that the kubelet knows. The client understands no other part of a reply, except
/// what a mount shows.
enum ReplyStatus: Equatable {
  case success, notSupported, failure

  /// The exit code that the kubelet expects with this status.
  var exitCode: Int32 { self == .failure ? 1 : 0 }
}

/// The reason why a reply is not passed to the kubelet.
enum ReplyFault: Error {
  /// The reply is not a JSON object.
  case malformed(JSONFault)
  /// There are more bytes after the object.
  case trailingBytes(offset: Int)
  /// No member is named `status`.
  case statusMissing
  /// Several members are named `status`, or one is spelled in other case. The kubelet ignores case and would use the
  /// last one.
  case statusAmbiguous
  /// The status is none of the three, or no string.
  case statusUnknown
}

/// A reply that may be passed to the kubelet.
struct Reply: Equatable {
  /// The range of the object, without the white space around it.
  var object: Range<Int>
  var status: ReplyStatus
  /// The range of the characters of `shown`: what the directory of a mount shows for the daemon. Nil if the reply does
  /// not have it.
  var shown: Range<Int>?

  /// Verifies that `line` is one whole JSON object with exactly one known status. The line ends at its first newline or
  /// at its end. Only white space may follow the newline.
  init(line: UnsafeBufferPointer<UInt8>) throws(ReplyFault) {
    let end = line.firstIndex(of: newline) ?? line.count
    var scanner = JSONScanner(UnsafeBufferPointer(rebasing: line[..<end]))
    scanner.skipWhitespace()
    let start = scanner.position
    var found = StatusMember()
    do {
      try scanner.scanObject { (key, value) throws(JSONFault) in found.takeField(line, key: key, value: value) }
    } catch {
      throw .malformed(error)
    }
    object = start..<scanner.position
    if let offset = firstNonBlank(line, from: scanner.position) { throw .trailingBytes(offset: offset) }
    status = try found.status()
    shown = found.shown
  }
}

/// Returns the offset of the first byte that is no white space. Nil if there is none.
private func firstNonBlank(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
  var scanner = JSONScanner(bytes, at: start)
  scanner.skipWhitespace()
  return scanner.next == nil ? nil : scanner.position
}

/// What the members of a reply say about its status.
private struct StatusMember {
  private var value: ReplyStatus?
  private var spelled = 0
  private var misspelled = 0
  private(set) var shown: Range<Int>?

  mutating func takeField(_ bytes: UnsafeBufferPointer<UInt8>, key: Range<Int>, value: Range<Int>) {
    if JSONWord(bytes, key).equals("shown") && bytes[value.lowerBound] == quote {
      shown = value.lowerBound + 1..<value.upperBound - 1
    }
    if !JSONWord(bytes, key).equals("status", foldingCase: true) { return }
    guard JSONWord(bytes, key).equals("status") else {
      misspelled += 1
      return
    }
    spelled += 1
    self.value = knownStatus(JSONWord(bytes, value))
  }

  func status() throws(ReplyFault) -> ReplyStatus {
    if misspelled > 0 || spelled > 1 { throw .statusAmbiguous }
    if spelled == 0 { throw .statusMissing }
    guard let value else { throw .statusUnknown }
    return value
  }

  private func knownStatus(_ word: JSONWord) -> ReplyStatus? {
    if word.equals("Success") { return .success }
    if word.equals("Not supported") { return .notSupported }
    if word.equals("Failure") { return .failure }
    return nil
  }
}

/// The three answers that the kubelet knows; the only part of a reply that the client understands.
enum ReplyStatus: Equatable {
  case success, notSupported, failure

  /// What the kubelet expects of a process that printed this status.
  var exitCode: Int32 { self == .failure ? 1 : 0 }
}

/// Why a reply is not handed to the kubelet.
enum ReplyFault: Error {
  /// It is not JSON, or not an object.
  case malformed(JSONFault)
  /// There is something else behind the object.
  case trailingBytes(offset: Int)
  /// No member is called `status`.
  case statusMissing
  /// More than one member is, or one is in other letters: the kubelet ignores case and would take the last.
  case statusAmbiguous
  /// It is none of the three, or no string.
  case statusUnknown
}

/// A reply that may be handed on.
struct Reply: Equatable {
  /// Where the object stands among the bytes, without the white space around it.
  var object: Range<Int>
  var status: ReplyStatus
  /// Where the characters of `shown` stand: what the directory of a mount shows for the daemon. Nil when that is not said.
  var shown: Range<Int>?

  /// Proves that `line`, which ends at its first newline or at its end, is one whole JSON object with one known status.
  ///
  /// Only white space may follow the newline.
  init(line: UnsafeBufferPointer<UInt8>) throws(ReplyFault) {
    let end = line.firstIndex(of: newline) ?? line.count
    var scanner = JSONScanner(UnsafeBufferPointer(rebasing: line[..<end]))
    scanner.skipWhitespace()
    let start = scanner.position
    var found = StatusMember()
    do {
      try scanner.scanObject { (key, value) throws(JSONFault) in found.note(line, key: key, value: value) }
    } catch {
      throw .malformed(error)
    }
    object = start..<scanner.position
    if let offset = firstNonBlank(line, from: scanner.position) { throw .trailingBytes(offset: offset) }
    status = try found.status()
    shown = found.shown
  }
}

/// Offset of the first byte that is no white space, nil when there is none.
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

  mutating func note(_ bytes: UnsafeBufferPointer<UInt8>, key: Range<Int>, value: Range<Int>) {
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

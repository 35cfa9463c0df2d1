/// A function that takes any bytes and says what must hold of what the product makes of them.
///
/// `make fuzz` runs it under libFuzzer; `ReplayTests` runs it on the files in Corpus/ and Found/.
struct FuzzTarget: Sendable {
  /// Also the name of its directories in Corpus/ and Found/, and of its dictionary.
  let name: String
  /// What is longer is not generated, in bytes.
  let maximumLength: Int
  /// - Throws: ``Violation`` when something does not hold that must; nothing else ever.
  let check: @Sendable ([UInt8]) throws(Violation) -> Void

  init(
    _ name: String, maximumLength: Int = 512, check: @escaping @Sendable ([UInt8]) throws(Violation) -> Void
  ) {
    self.name = name
    self.maximumLength = maximumLength
    self.check = check
  }

  static let all: [FuzzTarget] = [
    request, reply, clientArguments, clientReply, options, targetPath, claim, quantity, timestamp, lvmReport,
    lvmMetadata,
    mountinfo, superblock, json, objects, watch, kubeconfig, httpHead, ledger, settings,
    permit, volumeRecord, volumeTags, pageRequest,
  ]
}

/// Something that must hold of every input does not.
struct Violation: Error, CustomStringConvertible {
  let description: String
}

/// - Throws: ``Violation`` unless the condition holds.
func hold(_ condition: Bool, _ broken: @autoclosure () -> String) throws(Violation) {
  if !condition { throw Violation(description: broken()) }
}

/// What must not throw.
func mustSucceed<Value>(_ what: String, _ body: () throws -> Value) throws(Violation) -> Value {
  do {
    return try body()
  } catch {
    throw Violation(description: "\(what): \(error)")
  }
}

/// A message for people is one line, whatever it quotes.
func holdOneLine(_ message: String) throws(Violation) {
  let isFit = message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0.value != 0x2028 }
  try hold(isFit && !message.isEmpty, "the message is not one line of text: \(message.debugDescription)")
}

extension StringProtocol {
  /// Whether these are the same bytes: `==` takes texts for equal that Unicode does.
  func isSame(_ other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }

  /// Whether it is of visible ASCII characters alone.
  var isVisibleASCII: Bool { utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
}

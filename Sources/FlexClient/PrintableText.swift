/// Makes foreign bytes fit for a message. Control characters and invalid UTF-8 become `?`. Text longer than `limit`
/// bytes is cut there, between characters, and ends with `...`.
func printableText(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int) -> String {
  var clean: [UInt8] = []
  var index = 0
  while index < bytes.count {
    let length = utf8SequenceLength(bytes, at: index)
    if clean.count + (length ?? 1) > limit {
      clean.append(contentsOf: [0x2E, 0x2E, 0x2E])
      break
    }
    if let length, isPrintable(bytes[index]) {
      clean.append(contentsOf: bytes[index..<index + length])
    } else {
      clean.append(UInt8(ascii: "?"))
    }
    index += length ?? 1
  }
  return String(decoding: clean, as: UTF8.self)
}

private func isPrintable(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F }

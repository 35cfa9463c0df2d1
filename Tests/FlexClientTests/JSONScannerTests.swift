import Testing

/// Tests the scanner alone, compiled from the client's own source.
@Suite("JSON scanner")
struct JSONScannerTests {
  @Test(
    "accepts",
    arguments: [
      "{}", " { } ", #"{"a":1}"#, #"{"a":-0.5e+10,"b":0,"c":-0,"d":1E5,"e":10.25e-3}"#,
      #"{"a":true,"b":false,"c":null}"#, #"{"":""}"#, #"{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"}"#,
      #"{"a":"\ud800"}"#, #"{"a":[],"b":[ ],"c":[1 , 2],"d":[[{}]]}"#, #"{"a":{"b":{"c":[{"d":null}]}}}"#,
      "{\t\"a\"\r:\n1}", "{\"a\":\"é€😀\u{7F}\"}", #"{"a":1,"a":2}"#, nested(63),
    ])
  func accepts(document: String) throws {
    #expect(throws: Never.self) { try scan(Array(document.utf8)) }
  }

  @Test(
    "rejects",
    arguments: [
      ("", 0), ("  ", 2), ("1", 0), ("[]", 0), ("\"a\"", 0), ("null", 0), ("{", 1), (#"{"a""#, 4), (#"{"a":"#, 5),
      (#"{"a":1"#, 6), (#"{"a":1,}"#, 7), ("{,}", 1), (#"{"a":1 "b":2}"#, 7), (#"{a:1}"#, 1), (#"{'a':1}"#, 1),
      (#"{"a" 1}"#, 5), (#"{"a":[1,]}"#, 8), (#"{"a":[1}"#, 7), (#"{"a":]}"#, 5), (#"{1:2}"#, 1),
      (#"{"a":01}"#, 6), (#"{"a":+1}"#, 5), (#"{"a":.5}"#, 5), (#"{"a":1.}"#, 7), (#"{"a":-}"#, 6), (#"{"a":1e}"#, 7),
      (#"{"a":0x1}"#, 6), (#"{"a":NaN}"#, 5), (#"{"a":True}"#, 5), (#"{"a":tru}"#, 8), (#"{"a":nullx}"#, 9),
      ("{\"a\":\"\n\"}", 6), ("{\"a\":\"\u{0}\"}", 6), ("{\"a\":\"\u{1F}\"}", 6), (#"{"a":"\x"}"#, 7),
      (#"{"a":"\u12g4"}"#, 10), (#"{"a":"\u12"}"#, 10), (#"{"a":"\"#, 7), (#"{"a":"b"#, 7), (#"{"a":/**/1}"#, 5),
      ("\u{FEFF}{}", 0), ("\u{A0}{}", 0), (nested(64), 5 * 64 + 1),
    ])
  func refuses(document: String, offset: Int) throws {
    let fault = #expect(throws: JSONFault.self) { try scan(Array(document.utf8)) }
    #expect(fault?.offset == offset, "\(document): \(fault?.expected ?? "")")
  }

  @Test(
    "rejects strings that are not UTF-8",
    arguments: [
      [0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xBF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF5, 0x80, 0x80, 0x80],
      [0xC3],
    ] as [[UInt8]])
  func refusesBytes(bytes: [UInt8]) throws {
    let document = Array(#"{"a":""#.utf8) + bytes + Array("\"}".utf8)
    #expect(throws: JSONFault.self) { try scan(document) }
  }

  @Test("every truncated document is rejected")
  func everyCut() throws {
    let document = Array(#"{"status":"Success","n":[-1.5e3,true,null,{"é":"\u00e9"}]}"#.utf8)
    for length in 0..<document.count {
      #expect(throws: (any Error).self) { try scan(Array(document[..<length])) }
    }
    try scan(document)
  }

  @Test("random edits never crash the scanner, and an accepted text has one status")
  func randomEdits() throws {
    let document = Array(#"{"status":"Success","n":[-1.5e3,true,null,{"é":"\u00e9"}]}"#.utf8)
    var generator = SplitMix(state: 7)
    for _ in 0..<20_000 {
      var edited = document
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        edited[Int.random(in: edited.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = edited.withUnsafeBufferPointer { try? Reply(line: $0) }
    }
  }

  /// Returns nested objects, `depth` below the outermost.
  private static func nested(_ depth: Int) -> String {
    String(repeating: #"{"a":"#, count: depth) + "{}" + String(repeating: "}", count: depth)
  }
}

private func scan(_ document: [UInt8]) throws {
  try document.withUnsafeBufferPointer { bytes in
    var scanner = JSONScanner(bytes)
    scanner.skipWhitespace()
    try scanner.scanObject { (_, _) throws(JSONFault) in }
    scanner.skipWhitespace()
    #expect(scanner.next == nil)
  }
}

/// A generator with a seed, so that a failure can be repeated.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

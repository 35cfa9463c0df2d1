internal import Glibc
internal import JSON
internal import StorageModel
internal import NodeProtocol

extension FuzzTarget {
  /// The flex client's arguments, as `main` gets them: what it sends is what the daemon reads.
  static let clientArguments = FuzzTarget("client-arguments") { bytes throws(Violation) in
    // A word ends in a zero byte, as in /proc/self/cmdline.
    let words = bytes.split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
    var vector = ([Array("elastic-local".utf8)] + words).map { word in
      (word + [0]).withUnsafeBytes { $0.baseAddress.flatMap { strdup($0.assumingMemoryBound(to: CChar.self)) } }
    }
    defer { for word in vector { free(word) } }
    vector.append(nil)
    let count = Int32(vector.count - 1)
    let line: Result<[UInt8], RequestFault> = vector.withUnsafeMutableBufferPointer { vector in
      guard let start = vector.baseAddress else { return .success([]) }
      let arguments = Arguments(argc: count, argv: start).bytes()
      return Result { () throws(RequestFault) in try requestLine(arguments) }
    }
    try checkRequest(line, words)
    for word in words { try word.withUnsafeBufferPointer { (word) throws(Violation) in try checkWord(word) } }
  }

  private static func checkRequest(_ line: Result<[UInt8], RequestFault>, _ words: [[UInt8]]) throws(Violation) {
    let broken = words.firstIndex { String(validating: $0, as: UTF8.self) == nil }
    switch line {
    case .failure(let fault):
      try hold(fault == .notUTF8(argument: (broken ?? -2) + 1), "\(fault), and word \(broken ?? -1) is no text")
    case .success(let line):
      try hold(broken == nil, "word \(broken ?? -1) is no text and was sent")
      let request = try mustSucceed("the daemon's reading") {
        try NodeProtocol.Request(decoding: Array(line.dropLast()))
      }
      try hold(line.last == newline && !line.dropLast().contains(newline), "the request is not one line")
      try holdSame(request.arguments, words.map { String(decoding: $0, as: UTF8.self) })
    }
  }

  /// The command, in a message and as the name of one that needs no daemon.
  private static func checkWord(_ word: UnsafeBufferPointer<UInt8>) throws(Violation) {
    let text = printableText(word, limit: 64)
    try hold(text.utf8.count <= 64 + 3, "\(text.utf8.count) bytes are not cut at 64")
    try hold(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "control characters in a message")
    for attach in [false, true] {
      guard let command = LocalCommand.named(word, attach: attach) else { continue }
      try hold(word.elementsEqual(Array("\(command.name)".utf8)), "\(text) is taken for \(command.name)")
    }
  }

  /// The flex client's judgement of a reply: what it hands to kubelet is one JSON object with one known status.
  static let clientReply = FuzzTarget("client-reply") { bytes throws(Violation) in
    let reply: Reply
    do throws(ReplyFault) {
      reply = try bytes.withUnsafeBufferPointer { (line) throws(ReplyFault) in try Reply(line: line) }
    } catch {
      return
    }
    let object = Array(bytes[reply.object])
    try hold(!object.contains(newline), "more than a line is handed on")
    try hold(object.first == UInt8(ascii: "{") && object.last == UInt8(ascii: "}"), "no object is handed on")
    // Another reader of ours sees the same.
    var json = JSONReader(object)
    let statuses = try mustSucceed("the other reader") { try statusMembers(&json) }
    try hold(statuses.count == 1, "\(statuses.count) members are called status")
    let status = statuses[0].flatMap { FlexStatus(rawValue: $0) }
    try hold(status?.exitCode == reply.status.exitCode, "\(statuses) is taken for \(reply.status)")
  }

  private static func statusMembers(_ json: inout JSONReader) throws(JSONSyntaxError) -> [String?] {
    var found: [String?] = []
    guard try json.beginObject() else { return [] }
    while let key = try json.nextKey() {
      if key.lowercased() == "status" { found.append(try json.string()) }
    }
    try json.end()
    return found
  }
}

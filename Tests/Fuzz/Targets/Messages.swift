internal import NodeProtocol
internal import StorageModel

extension FuzzTarget {
  /// The daemon's reading of a request: what is accepted goes through encoding unchanged.
  static let request = FuzzTarget("request") { bytes throws(Violation) in
    let request: NodeProtocol.Request
    do throws(VolumeError) {
      request = try NodeProtocol.Request(decoding: bytes)
    } catch {
      try hold(error.code == .invalid || error.code == .unavailable, "refused as \(error.code)")
      return try holdOneLine(error.message)
    }
    let line = request.encoded()
    try holdOneFrame(line)
    let again = try mustSucceed("decoding what was encoded") { try NodeProtocol.Request(decoding: line.dropLast()) }
    try hold(request.version == again.version && request.version == NodeProtocol.Request.currentVersion, "version")
    try holdSame(request.arguments, again.arguments)
  }

  /// Our own tool's reading of a reply, and what the daemon would send of it.
  static let reply = FuzzTarget("reply") { bytes throws(Violation) in
    let reply: NodeProtocol.Reply
    do throws(VolumeError) {
      reply = try NodeProtocol.Reply(decoding: bytes)
    } catch {
      try hold(error.code == .unavailable, "refused as \(error.code)")
      return try holdOneLine(error.message)
    }
    let line = reply.encoded()
    try holdOneFrame(line)
    let again = try mustSucceed("decoding what was encoded") {
      try NodeProtocol.Reply(decoding: Array(line.dropLast()))
    }
    try hold(again.encoded() == line, "a reply changes as it is passed on")
    try hold(again.message?.utf8.contains(UInt8(ascii: "%")) != true, "kubelet would format the message")
    try hold(reply.isSuccess == again.isSuccess && reply.status.isSame(again.status), "status")
    guard let status = FlexStatus(rawValue: reply.status), reply.status.isSame(status.rawValue) else { return }
    let taken = try mustSucceed("the client's reading") {
      try line.withUnsafeBufferPointer { (line) throws(ReplyFault) in try Reply(line: line) }
    }
    try hold(taken.status.exitCode == status.exitCode, "the client takes \(status) for \(taken.status)")
  }

  private static func holdOneFrame(_ line: [UInt8]) throws(Violation) {
    try hold(line.last == 0x0A && !line.dropLast().contains(0x0A), "a frame is not one line")
  }
}

/// - Throws: ``Violation`` unless these are the same texts, byte for byte.
func holdSame(_ first: [String], _ second: [String]) throws(Violation) {
  try hold(first.elementsEqual(second) { $0.isSame($1) }, "\(second) is not \(first)")
}

extension NodeProtocol.Request {
  fileprivate init(decoding bytes: ArraySlice<UInt8>) throws(VolumeError) { try self.init(decoding: Array(bytes)) }
}

import NodeProtocol
import StorageModel
import Testing

@Suite("Requests and replies")
struct MessageTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test("a request is exactly these bytes")
  func request() throws {
    #expect(
      text(Request(["mount", "/var/lib/kubelet/x", #"{"a":"b\n"}"#, "ü"]).encoded())
        == #"{"arguments":["mount","/var/lib/kubelet/x","{\"a\":\"b\\n\"}","ü"],"version":1}"# + "\n")
    #expect(text(Request([]).encoded()) == #"{"arguments":[],"version":1}"# + "\n")
  }

  @Test("a request comes back as it was sent, whatever its arguments hold")
  func roundTrip() throws {
    for arguments in [
      [], [""], ["a\nb", "\u{0}", "\"\\", "%s%n", "\u{2028}", "😀"], [String(repeating: "x", count: 100_000)],
    ] {
      let bytes = Request(arguments).encoded()
      #expect(bytes.last == 0x0A && bytes.dropLast().allSatisfy { $0 != 0x0A }, "one line")
      #expect(try Request(decoding: Array(bytes.dropLast())).arguments == arguments)
    }
  }

  @Test("keys of a newer client are ignored, and keys may come in any order, with blanks")
  func tolerant() throws {
    let request = try Request(decoding: Array(#" { "later" : {"x":[1]}, "arguments" : ["a"] , "version" : 1 } "#.utf8))
    #expect(request.arguments == ["a"])
  }

  @Test(
    "what is no request is refused without a word of it",
    arguments: [
      "", "SECRET", "{", "{}", "[]", "null", "1", #"{"version":1}"#, #"{"arguments":["SECRET"]}"#,
      #"{"version":"1","arguments":["SECRET"]}"#,
      #"{"version":1,"arguments":"SECRET"}"#, #"{"version":1,"arguments":["SECRET",null]}"#,
      #"{"version":1,"arguments":{"SECRET":1}}"#,
      #"{"version":1.5,"arguments":["SECRET"]}"#, #"{"version":1,"arguments":["SECRET"]"#,
      #"{"version":1,"arguments":["SECRET"]} SECRET"#,
      #"{"SECRET":1,"arguments":[]}"#,
    ])
  func garbage(_ text: String) {
    let error = #expect(throws: VolumeError.self) { try Request(decoding: Array(text.utf8)) }
    #expect(error?.code == .invalid)
    #expect(error?.description.contains("SECRET") == false)
  }

  @Test("another version is refused by its number, and the fault is nobody's request", arguments: [0, -1, 2, 99])
  func version(_ version: Int) throws {
    let bytes = Request(["a"], version: version).encoded()
    let error = #expect(throws: VolumeError.self) { try Request(decoding: bytes) }
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("version \(version)") == true)
  }

  @Test("replies are exactly these bytes")
  func replies() {
    var capabilities = Reply.success
    capabilities.capabilities = Reply.Capabilities(attach: false)
    var attached = Reply.success
    attached.attached = true
    let rows: [(Reply, String)] = [
      (.success, #"{"status":"Success"}"#),
      (.device("/dev/mapper/a-b"), #"{"device":"/dev/mapper/a-b","status":"Success"}"#),
      (attached, #"{"attached":true,"status":"Success"}"#),
      (
        capabilities,
        #"{"capabilities":{"attach":false,"fsGroup":true,"requiresFSResize":true,"selinuxRelabel":true,"supportsMetrics":true},"status":"Success"}"#
      ),
      (Reply(.failure, message: "a \"b\"\nc"), #"{"message":"a \"b\"\nc","status":"Failure"}"#),
      (Reply(VolumeError(.unsupported, "no")), #"{"message":"no","status":"Not supported"}"#),
      (Reply(VolumeError(.unsafe, "kept")), #"{"message":"kept","status":"Failure"}"#),
    ]
    for (reply, json) in rows { #expect(text(reply.encoded()) == json + "\n") }
  }

  @Test("every error code gets the status of the one table, and its message alone: what is underneath is for the log")
  func errors() {
    struct Secret: Error {}
    for code in VolumeError.Code.allCases {
      let reply = Reply(VolumeError(code, "volume x", cause: Secret()))
      #expect(reply.status == ErrorPolicy.policy(for: code).flexStatus.rawValue)
      #expect(reply.message == "volume x")
      #expect(!reply.isSuccess)
    }
  }

  @Test(
    "a per cent sign is written out, since kubelet feeds messages to a format function",
    arguments: [
      ("12%", "12 percent"), ("%s%d%", " percents percentd percent"), ("%%", " percent percent"), ("none", "none"),
    ])
  func percent(_ message: String, _ written: String) throws {
    let bytes = Reply(.failure, message: message).encoded()
    #expect(!bytes.contains(UInt8(ascii: "%")))
    #expect(try Reply(decoding: Array(bytes.dropLast())).message == written)
  }

  @Test("a number that is none is left out of a reply, which is one line all the same")
  func notANumber() throws {
    var reply = Reply.success
    reply.report = DaemonStatus(
      node: "n", release: "r", engine: "e", uptimeSeconds: 1, residentBytes: 1, groups: [], volumes: [],
      interrupted: [],
      orphans: nil, commands: [], runningSeconds: .nan)
    let bytes = reply.encoded()
    #expect(bytes.last == 0x0A)
    let read = try Reply(decoding: Array(bytes.dropLast()))
    #expect(read.isSuccess && read.report?.node == "n" && read.report?.runningSeconds == nil)
  }

  @Test("keys of a newer daemon are ignored, and what is no reply is not shown")
  func decoding() throws {
    let reply = try Reply(decoding: Array(#"{"status":"Success","later":{"x":1},"device":"/dev/x"}"#.utf8))
    #expect(reply.isSuccess && reply.device == "/dev/x")
    for text in ["", "SECRET", "{}", "[]", #"{"status":1}"#, #"{"message":"SECRET"}"#, #"{"status":"Success""#] {
      let error = #expect(throws: VolumeError.self) { try Reply(decoding: Array(text.utf8)) }
      #expect(error?.code == .unavailable)
      #expect(error?.message.contains("SECRET") == false)
    }
  }

  @Test("a report comes back as it was sent, and one of a newer daemon is read as far as it is known")
  func report() throws {
    var group = DaemonStatus.Group(name: "vg", totalBytes: 4, freeBytes: 3, foreignBytes: 1, volumes: 2)
    group.thinDataPercent = 12.5
    var sent = Reply.success
    sent.report = DaemonStatus(
      node: "n", release: "r", engine: "lvm", uptimeSeconds: 1, residentBytes: UInt64(Int64.max), groups: [group],
      volumes: [
        DaemonStatus.Volume(
          name: "v", group: "vg", sizeBytes: 1, device: nil, isActive: false, isRetained: true, createdAt: nil,
          stagedAt: nil, publishedAt: ["/a"])
      ], interrupted: ["i"], orphans: [],
      commands: [DaemonStatus.Command(startedAt: "t", command: "lvs", seconds: 0.5, returnCode: 1, messages: "")],
      runningSeconds: 2.5)
    let read = try #require(try Reply(decoding: Array(sent.encoded().dropLast())).report)
    #expect(read.groups.first?.thinDataPercent == 12.5 && read.groups.first?.thinPool == nil)
    #expect(read.residentBytes == UInt64(Int64.max) && read.orphans == [] && read.runningSeconds == 2.5)
    #expect(read.volumes.first?.isRetained == true && read.commands.first?.command == "lvs")
  }

  @Test("a percent sign is written out, with an accent over it too")
  func percent() {
    #expect(text(Reply(.failure, message: "9%\u{301}, 8%").encoded()).contains("%") == false)
  }
}

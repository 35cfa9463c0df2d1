import Testing

/// Calls for the daemon: the bytes on the wire.
@Suite("Requests")
struct RequestTests {
  private static let options = #"{"kubernetes.io/fsType":"","size":"1"}"#
  private static let quoted = #""{\"kubernetes.io/fsType\":\"\",\"size\":\"1\"}""#
  private static let pod = "/var/lib/kubelet/pods/u/volumes/volumes.k8s.elastic.co~elastic-local/pvc-1"
  private static let global =
    "/var/lib/kubelet/plugins/kubernetes.io/flexvolume/volumes.k8s.elastic.co/elastic-local/mounts/pvc-1"

  @Test(
    "carry argv verbatim",
    arguments: [
      (["mount", pod, options], #""mount","\#(pod)",\#(quoted)"#),
      (["mount", pod, "/dev/d", options], #""mount","\#(pod)","/dev/d",\#(quoted)"#),
      (["unmount", pod], #""unmount","\#(pod)""#),
      (["waitforattach", "/dev/d", options], #""waitforattach","/dev/d",\#(quoted)"#),
      (["waitforattach", "", options], #""waitforattach","",\#(quoted)"#),
      (["mountdevice", global, "/dev/d", options], #""mountdevice","\#(global)","/dev/d",\#(quoted)"#),
      (["mountdevice", global, "", options], #""mountdevice","\#(global)","",\#(quoted)"#),
      (["unmountdevice", global], #""unmountdevice","\#(global)""#),
      (["expandfs", options, "/dev/d", global, "2", "1"], #""expandfs",\#(quoted),"/dev/d","\#(global)","2","1""#),
      (["expandfs", options, "", pod, "2", "1"], #""expandfs",\#(quoted),"","\#(pod)","2","1""#),
      (["mount"], #""mount""#),
      (["Init"], #""Init""#),
      (["unheard-of", "x"], #""unheard-of","x""#),
      ([""], #""""#),
    ])
  func verbatim(arguments: [String], wire: String) async throws {
    for attach in [false, true] {
      let daemon = try ScriptedDaemon([.receive, .send("{\"status\":\"Success\"}\n")])
      let run = try await callClient(arguments, socket: daemon.socket, attach: attach)
      #expect(
        String(decoding: try await daemon.received(), as: UTF8.self)
          == "{\"version\":1,\"confirms\":true,\"arguments\":[\(wire)]}\n")
      #expect(run.text == "{\"status\":\"Success\"}\n")
      #expect(run.error.isEmpty)
      #expect(run.exitCode == 0)
    }
  }

  @Test(
    "escape only what JSON requires",
    arguments: [
      ("quotation mark", "a\"b", #"a\"b"#), ("backslash", #"a\b"#, #"a\\b"#), ("slash", "a/b", "a/b"),
      ("newline, tab, return", "a\n\t\rb", #"a\n\t\rb"#), ("backspace, form feed", "\u{8}\u{C}", #"\b\f"#),
      ("other control characters", "\u{1}\u{1F}", #"\u0001\u001f"#), ("delete", "\u{7F}", "\u{7F}"),
      ("two bytes", "é", "é"), ("three bytes", "€", "€"), ("four bytes", "😀", "😀"),
      ("highest", "\u{10FFFF}", "\u{10FFFF}"), ("byte order mark", "\u{FEFF}", "\u{FEFF}"), ("percent", "%s", "%s"),
    ])
  func escapes(remark: String, argument: String, wire: String) async throws {
    let (run, received) = try await exchange(
      [.receive, .send("{\"status\":\"Success\"}")], [Array("mount".utf8), Array(argument.utf8)])
    #expect(
      received == Array("{\"version\":1,\"confirms\":true,\"arguments\":[\"mount\",\"\(wire)\"]}\n".utf8), "\(remark)")
    #expect(run.exitCode == 0)
  }

  /// The kernel accepts no argument of more than 128 KiB, so 200 KiB are split into two.
  @Test(
    "pass on large arguments",
    arguments: [[4096], [100 << 10, 100 << 10], [120 << 10, 120 << 10, 120 << 10, 120 << 10]])
  func large(sizes: [Int]) async throws {
    let arguments = sizes.map { [UInt8](repeating: UInt8(ascii: "x"), count: $0) }
    let (run, received) = try await exchange(
      [.receive, .send("{\"status\":\"Success\"}\n")], [Array("mount".utf8)] + arguments)
    let wire = arguments.map { ",\"" + String(decoding: $0, as: UTF8.self) + "\"" }.joined()
    #expect(received == Array("{\"version\":1,\"confirms\":true,\"arguments\":[\"mount\"\(wire)]}\n".utf8))
    #expect(run.exitCode == 0)
  }

  @Test("of more than 1 MiB are rejected", arguments: [UInt8(ascii: "x"), UInt8(ascii: "\"")])
  func tooLarge(byte: UInt8) async throws {
    // Quotation marks double in size, so 600 KiB of them are too large only after escaping.
    let argument = [UInt8](repeating: byte, count: 120 << 10)
    let count = byte == UInt8(ascii: "x") ? 9 : 5
    let run = try await callClient(
      [Array("mount".utf8)] + Array(repeating: argument, count: count), socket: "/nonexistent/socket")
    let message = "elastic-local mount: the request is larger than the limit of 1048576 bytes"
    #expect(run.text == #"{"status":"Failure","message":"\#(message)"}"# + "\n")
    #expect(run.exitCode == 1)
  }

  @Test(
    "with invalid UTF-8 are rejected, and the argument is named but not shown",
    arguments: [
      ("lone continuation", [0x80]), ("lone lead", [0x41, 0xC3]), ("overlong slash", [0xC0, 0xAF]),
      ("overlong three", [0xE0, 0x80, 0x80]), ("surrogate", [0xED, 0xA0, 0x80]), ("cut short", [0xE2, 0x82]),
      ("above U+10FFFF", [0xF4, 0x90, 0x80, 0x80]), ("five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80]), ("ff", [0xFF]),
    ] as [(String, [UInt8])])
  func notUTF8(remark: String, bytes: [UInt8]) async throws {
    let run = try await callClient(
      [Array("mount".utf8), Array("/dir".utf8), Array("secret".utf8) + bytes], socket: "/nonexistent/socket")
    let message = "elastic-local mount: argument 3 is not valid UTF-8 (argument 1 is the command)"
    #expect(run.text == #"{"status":"Failure","message":"\#(message)"}"# + "\n", "\(remark)")
    #expect(run.exitCode == 1)
  }

  @Test("show an unknown command only truncated and without control characters")
  func strangeCommand() async throws {
    let command = Array("a\n\"".utf8) + [0xFF] + [UInt8](repeating: UInt8(ascii: "x"), count: 100)
    let run = try await callClient([command], socket: "/nonexistent/socket")
    let shown = #"a?\"?"# + String(repeating: "x", count: 60) + "..."
    #expect(run.text.hasPrefix(#"{"status":"Failure","message":"elastic-local \#(shown): argument 1 "#))
  }
}

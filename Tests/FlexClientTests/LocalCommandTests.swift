import Testing

/// Calls that the client answers without the daemon. There is no socket, and none is needed.
@Suite("Commands answered without the daemon")
struct LocalCommandTests {
  private static let success = #"{"status":"Success"}"#
  private static let options = #"{"kubernetes.io/fsType":"ext4","kubernetes.io/readwrite":"rw"}"#

  @Test(
    "print their reply and exit 0",
    arguments: [
      ("attach, Kubernetes 1.6 and later", ["attach", options, "node-1"], success),
      ("attach, before 1.6", ["attach", options], success),
      ("isattached, from 1.9", ["isattached", options, "node-1"], #"{"status":"Success","attached":true}"#),
      ("isattached, up to 1.8", ["isattached", "node-1", options], #"{"status":"Success","attached":true}"#),
      ("detach", ["detach", "pvc-1", "node-1"], success),
      ("detach, before 1.6", ["detach", "/dev/vg/pvc-1"], success),
      ("waitfordetach", ["waitfordetach", "/dev/vg/pvc-1"], success),
      ("getvolumename", ["getvolumename", options], #"{"status":"Not supported"}"#),
      ("expandvolume", ["expandvolume", options, "", "2147483648", "1073741824"], success),
    ])
  func answered(remark: String, arguments: [String], reply: String) async throws {
    for attach in [false, true] {
      let run = try await callClient(arguments, socket: "/nonexistent/socket", attach: attach)
      #expect(run.text == reply + "\n", "\(remark)")
      #expect(run.error.isEmpty)
      #expect(run.exitCode == 0)
    }
  }

  @Test("init announces the variant's capabilities, byte for byte", arguments: [false, true])
  func initialize(attach: Bool) async throws {
    let run = try await callClient(["init"], socket: "/nonexistent/socket", attach: attach)
    let capabilities =
      #"{"attach":\#(attach),"fsGroup":true,"selinuxRelabel":true,"supportsMetrics":true,"requiresFSResize":true}"#
    #expect(run.text == #"{"status":"Success","capabilities":\#(capabilities)}"# + "\n")
    #expect(run.error.isEmpty)
    #expect(run.exitCode == 0)
    #expect(run.duration < .seconds(4))
  }

  @Test(
    "with too few arguments name themselves and the arguments that they need",
    arguments: [
      (["attach"], "attach needs <json options> [<node name>]; number of arguments: 0"),
      (["isattached", options], "isattached needs <json options> <node name>; number of arguments: 1"),
      (["detach"], "detach needs <volume name> [<node name>]; number of arguments: 0"),
      (["waitfordetach"], "waitfordetach needs <device path>; number of arguments: 0"),
      (["getvolumename"], "getvolumename needs <json options>; number of arguments: 0"),
      (
        ["expandvolume", options, "/dir", "2"],
        "expandvolume needs <json options> <mount directory> <new bytes> <old bytes>; number of arguments: 3"
      ),
    ])
  func tooFew(arguments: [String], message: String) async throws {
    let run = try await callClient(arguments, socket: "/nonexistent/socket")
    #expect(run.text == #"{"status":"Failure","message":"elastic-local \#(message)"}"# + "\n")
    #expect(run.error.isEmpty)
    #expect(run.exitCode == 1)
  }

  @Test("a call without a command prints the usage")
  func noCommand() async throws {
    let run = try await callClient([String](), socket: "/nonexistent/socket")
    #expect(run.text.hasPrefix(#"{"status":"Failure","message":"usage: elastic-local <command>"#))
    #expect(run.text.hasSuffix("\"}\n"))
    #expect(run.error.isEmpty)
    #expect(run.exitCode == 1)
  }
}

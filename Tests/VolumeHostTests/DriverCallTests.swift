import Testing
import VolumeHost

@Suite("The calls to a driver")
struct DriverCallTests {
  private static let basic =
    #"{"kubernetes.io/fsType":"ext4","kubernetes.io/pvOrVolumeName":"v","kubernetes.io/readwrite":"rw","n":"5","some":"option"}"#

  private func calls(_ version: String = "1.36") -> DriverCalls { DriverCalls(version: Sample.version(version)) }

  @Test("Each command has its arguments in the kubelet's order")
  func order() {
    let calls = calls()
    let table: [(DriverCall?, [String])] = [
      (calls.initialize(), ["init"]),
      (calls.getVolumeName(Sample.inline), ["getvolumename", Self.basic]),
      (calls.attach(Sample.inline, node: "node1"), ["attach", Self.basic, "node1"]),
      (calls.waitForAttach(Sample.inline, device: "/dev/x"), ["waitforattach", "/dev/x", Self.basic]),
      (calls.waitForAttach(Sample.inline, device: ""), ["waitforattach", "", Self.basic]),
      (calls.isAttached(Sample.inline, node: "node1"), ["isattached", Self.basic, "node1"]),
      (calls.detach(volume: "v", node: "node1"), ["detach", "v", "node1"]),
      (
        calls.mountDevice(Sample.inline, directory: "/d", device: "/dev/x"),
        ["mountdevice", "/d", "/dev/x", Self.basic]
      ),
      (calls.unmountDevice(directory: "/d"), ["unmountdevice", "/d"]),
      (calls.unmount(directory: "/d"), ["unmount", "/d"]),
      (calls.expandVolume(Sample.inline, device: "/d", to: 2, from: 1), ["expandvolume", Self.basic, "/d", "2", "1"]),
      (
        calls.expandFileSystem(Sample.inline, device: "", directory: "/d", to: 2_147_483_648, from: 1),
        ["expandfs", Self.basic, "", "/d", "2147483648", "1"]
      ),
    ]
    for (call, line) in table { #expect(call?.line == line) }
  }

  @Test("Up to 1.8 isattached has the node first")
  func attachedOrder() {
    #expect(calls("1.8").isAttached(Sample.inline, node: "n").arguments == ["n", Self.basic])
    #expect(calls("1.9").isAttached(Sample.inline, node: "n").arguments == [Self.basic, "n"])
  }

  @Test("Expansion starts with 1.13")
  func comeAndGone() {
    #expect(calls("1.12").expandVolume(Sample.inline, device: "", to: 2, from: 1) == nil)
    #expect(calls("1.12").expandFileSystem(Sample.inline, device: "", directory: "", to: 2, from: 1) == nil)
    #expect(calls("1.13").expandFileSystem(Sample.inline, device: "", directory: "", to: 2, from: 1) != nil)
  }

  @Test(
    "mount passes the pod and its group under the version's key",
    arguments: [
      ("1.8", #"{"kubernetes.io/fsGroup":"2000","kubernetes.io/fsType":"""#),
      ("1.14", #"{"kubernetes.io/fsGroup":"2000","kubernetes.io/fsType":"","kubernetes.io/pod.name":"in1""#),
      (
        "1.15", #"{"kubernetes.io/fsType":"","kubernetes.io/mounterArgs.FsGroup":"2000","kubernetes.io/pod.name":"in1""#
      ),
    ])
  func groupKey(version: String, start: String) {
    let spec = VolumeSpec.inline("v", FlexSource(driver: "d"))
    let call = calls(version).mount(spec, directory: "/d", pod: Sample.pod(group: 2000))
    #expect(call.arguments[0] == "/d")
    #expect(call.arguments[1].hasPrefix(start), "\(call.arguments[1])")
    #expect(call.arguments[1].contains("pod.name") == (version != "1.8"))
  }

  @Test("mount is the complete line that 1.20 and 1.36 send, including the secret")
  func mountLine() {
    let spec = VolumeSpec.inline("v", FlexSource(driver: "example.org/bind", fsType: "ext4", options: ["src": "tmpfs"]))
    let secret = Secret(type: "example.org/bind", data: ["username": Array("bob".utf8), "password": Array("p w".utf8)])
    let call = calls().mount(spec, directory: "/d", pod: Sample.pod("s1", uid: "u"), secret: secret)
    #expect(
      call.arguments[1]
        == #"{"kubernetes.io/fsType":"ext4","kubernetes.io/pod.name":"s1","kubernetes.io/pod.namespace":"default","kubernetes.io/pod.uid":"u","kubernetes.io/pvOrVolumeName":"v","kubernetes.io/readwrite":"rw","kubernetes.io/secret/password":"cCB3","kubernetes.io/secret/username":"Ym9i","kubernetes.io/serviceAccount.name":"default","src":"tmpfs"}"#
    )
  }

  @Test("The user's options override those of Kubernetes")
  func overwritten() {
    let spec = VolumeSpec.inline("v", FlexSource(driver: "d", fsType: "xfs", options: ["kubernetes.io/fsType": "mine"]))
    #expect(calls().getVolumeName(spec).arguments[0].contains(#""kubernetes.io/fsType":"mine""#))
  }

  @Test(
    "Options are escaped as by Go",
    arguments: [
      ("1.36", "<a href=\"x\">&", #"\u003ca href=\"x\"\u003e\u0026"#), ("1.36", "\u{2028}\u{2029}", #"\u2028\u2029"#),
      ("1.36", "tab\tline\nback\\", #"tab\tline\nback\\"#), ("1.36", "\u{8}\u{c}\u{1}\u{7f}", "\\b\\f\\u0001\u{7f}"),
      ("1.29", "\u{8}\u{c}", #"\u0008\u000c"#), ("1.36", "größe 🐧/", "größe 🐧/"), ("1.36", "", ""),
    ])
  func escapes(version: String, value: String, written: String) {
    let spec = VolumeSpec.inline("v", FlexSource(driver: "d", options: ["z": value]))
    #expect(calls(version).getVolumeName(spec).arguments[0].hasSuffix(#","z":""# + written + #""}"#))
  }

  @Test("Keys are sorted by their bytes")
  func sorting() {
    let spec = VolumeSpec.inline(
      "v", FlexSource(driver: "d", options: ["a": "1", "B": "2", "é": "3", "a/b": "4", "~": "5"]))
    let text = calls().getVolumeName(spec).arguments[0]
    #expect(text.hasPrefix(#"{"B":"2","a":"1","a/b":"4","kubernetes.io/"#))
    #expect(text.hasSuffix(#""~":"5","é":"3"}"#))
  }

  @Test("Only waitforattach has a time limit, of ten minutes")
  func limits() {
    for command in DriverCommand.allCases {
      #expect(command.timeLimit == (command == .waitForAttach ? .seconds(600) : nil))
    }
  }
}

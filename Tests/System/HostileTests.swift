import Foundation
import Glibc
import LinuxSystem
import Synchronization
import Testing
import VolumeHost

@Suite("Hostile and broken callers: raw calls that no kubelet makes", .serialized, .lab, .exclusive)
struct HostileTests {
  @Test("paths that are not exactly kubelet's are refused, and nothing is made or mounted")
  func paths() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let good = node.podDirectory("pod-a", volume)
      try Files.makeDirectories(good, mode: 0o750)
      let before = try world(node)
      for (path, remark) in Self.badPaths(node, volume) {
        for arguments in try [
          ["mount", path, node.calls.mountCall(volume).arguments[1]], ["unmount", path],
          ["mountdevice", path, "", "{}"],
          ["unmountdevice", path], ["expandfs", "{}", "", path, "1048576", "1"],
        ] {
          let reply = try node.callRaw(arguments)
          let isFree = arguments[0].hasPrefix("unmount") && Self.noVolumesNames.contains(remark)
          #expect(reply.status == (isFree ? "Success" : "Failure"), "\(remark): \(reply)")
        }
      }
      #expect(try world(node) == before)
      rmdir(good)
    }
  }

  /// Names that no volume can have, in a pod's directory for our volumes. Nothing is mounted there, which is all that an
  /// unmount wants: refused, the pod would stay.
  private static let noVolumesNames: Set = [
    "an option", "a long option", "a blank", "a newline", "quotes", "unicode", "reserved by LVM",
  ]

  private static func badPaths(_ node: Node, _ volume: String) -> [(path: String, remark: String)] {
    let good = node.podDirectory("pod-a", volume)
    let base = parent(of: good)
    let name4K = String(repeating: "n", count: 4096)
    return [
      ("", "empty"), ("relative/\(volume)", "relative"), ("/etc", "elsewhere"), ("/", "the root"),
      (good + "/", "a slash behind"), (good + "/below", "too deep"), (base, "too short"),
      (good.replacingOccurrences(of: "/volumes/", with: "//volumes/"), "an empty component"),
      ("\(base)/../\(lastComponent(of: base))/\(volume)", "dot dot inside"), ("\(base)/..", "dot dot at the end"),
      (
        "\(node.kubeletRoot)/../kubelet/pods/pod-a/volumes/\(lastComponent(of: base))/\(volume)",
        "dot dot below the root"
      ),
      ("\(base)/.", "a dot"), ("\(base)/-f", "an option"), ("\(base)/--config", "a long option"),
      ("\(base)/a b", "a blank"), ("\(base)/a\nb", "a newline"), ("\(base)/a\"b'", "quotes"),
      ("\(base)/über", "unicode"), ("\(base)/pvmove0", "reserved by LVM"), ("\(base)/a_tdata", "reserved by LVM"),
      ("\(base)/\(name4K)", "4 KiB name"),
      ("\(node.kubeletRoot)/pods/\(name4K)/volumes/\(lastComponent(of: base))/\(volume)", "4 KiB pod"),
      ("\(node.kubeletRoot)/pods/pod-a/volumes/kubernetes.io~empty-dir/\(volume)", "another driver's"),
      ("\(node.kubeletRoot)/pods/pod-a/volume-subpaths/x/\(volume)", "another directory of the pod"),
      (String(repeating: "/a", count: 20_000), "40 KB of path"),
    ]
  }

  /// A part of the path that somebody has replaced by a link.
  enum Link: String, CaseIterable, CustomTestStringConvertible {
    case pods, pod, volumes, driver, volume

    var testDescription: String { rawValue }
  }

  @Test(
    "a symbolic link anywhere on the way is refused, and what it points to is not touched", arguments: Link.allCases)
  func links(link: Link) async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let directory = node.podDirectory("pod-a", volume)
      let outside = node.root + "/outside"
      // The link's target has all that comes below it.
      let levels = [Link.volume: 0, .driver: 1, .volumes: 2, .pod: 3, .pods: 4]
      var place = directory
      var below: [String] = []
      for _ in 0..<(levels[link] ?? 0) {
        below.insert(lastComponent(of: place), at: 0)
        place = parent(of: place)
      }
      let target = ([outside] + below).joined(separator: "/")
      try Files.makeDirectories(target, mode: 0o755)
      try run("mount", "-t", "tmpfs", "somebody", target)
      rmdir(place)
      try Files.makeDirectories(parent(of: place), mode: 0o755)
      try #require(symlink(outside, place) == 0)
      let before = try world(node)
      try await node.calls.perform(node.calls.mountCall(volume)).fails(saying: volume)
      _ = try node.callRaw(["unmount", directory])
      #expect(try MountTable.current().at(target).map(\.source) == ["somebody"], "what the link leads to was unmounted")
      #expect(try world(node) == before)
      try run("umount", target)
      unlink(place)
    }
  }

  @Test("a directory that turns into a link and back while volumes are mounted leads none of them outside")
  func race() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      let directory = node.podDirectory("pod-a", volume)
      try await node.calls.mount(volume).succeeds()
      try node.callRaw(["unmount", directory]).succeeds()
      let outside = node.root + "/outside"
      let place = parent(of: parent(of: directory))
      let target = outside + directory.dropFirst(place.utf8.count)
      try Files.makeDirectories(target, mode: 0o755)
      try Files.makeDirectories(directory, mode: 0o750)
      let attacker = Attacker(place, outside)
      Thread { attacker.run() }.start()
      var mounted = 0
      for _ in 0..<40 {
        if try node.callRaw(node.calls.mountCall(volume).line).isSuccess { mounted += 1 }
        #expect(try MountTable.current().below(outside).isEmpty)
      }
      attacker.end()
      #expect(await eventually { attacker.hasEnded })
      #expect(attacker.swaps > 40, "nothing was swapped")
      #expect(try MountTable.current().below(outside).isEmpty)
      #expect(try Files.list(target).isEmpty, "something was made outside")
      try node.callRaw(["unmount", directory]).succeeds()
      try Files.removeTree(outside)
      node.remove(volume).succeeds()
    }
  }

  @Test("options that are not on the list, or would be more than one word, are refused before anything is made")
  func options() async throws {
    try await withNode { node in
      let before = try world(node)
      for (extra, remark) in Self.badOptions {
        let volume = Scratch.volumeName()
        let reply = try await node.calls.mount(volume, Options(extra: extra))
        #expect(!reply.isSuccess, "\(remark): \(reply)")
        for secret in ["s3cr3t"] { #expect(!reply.message.contains(secret), "\(remark): \(reply)") }
      }
      for text in ["", "null", "[]", "{", "{\"sizeBytes\":67108864}", String(repeating: "[", count: 100_000), "\u{0}"] {
        let directory = node.podDirectory("pod-a", "text")
        try Files.makeDirectories(directory, mode: 0o750)
        #expect(try node.callRaw(["mount", directory, text]).status == "Failure", "\(text.prefix(40))")
        rmdir(directory)
      }
      #expect(try world(node) == before)
      #expect(!node.log.contains("s3cr3t"))
    }
  }

  private static let badOptions: [([String: String], remark: String)] = [
    (["sizeBytes": "-1"], "negative"), (["sizeBytes": "1e9"], "no decimal"), (["sizeBytes": "64Mi"], "with a unit"),
    (["sizeBytes": "9223372036854775808"], "too large"), (["sizeBytes": "18446744073709551616"], "larger than 64 bits"),
    (["sizeBytes": "9223372036854775807"], "more than any disk"), (["sizeBytes": "67108864 --config x"], "more words"),
    (["sizeBytes": "0"], "zero"), (["kubernetes.io/fsType": "ext4 -F"], "more words"),
    (["kubernetes.io/fsType": "../../bin/sh"], "a path"), (["kubernetes.io/fsType": "ntfs"], "none of ours"),
    (["mkfsOptions": "-E lazy_itable_init=0 /dev/ubda"], "another device"), (["mkfsOptions": "-d /etc"], "a source"),
    (["mkfsOptions": "-L 'a b'"], "quotes"), (["mkfsOptions": "-b $(reboot)"], "a shell's word"),
    (["mountOptions": "suid,dev"], "privileges"), (["mountOptions": "noatime,,"], "empty words"),
    (["mountOptions": "loop=/etc/shadow"], "a file"), (["volumeGroup": "other"], "a group we do not serve"),
    (["volumeGroup": "--config"], "an option"), (["volumeGroup": "a\" --config \"b"], "quotes"),
    (["volumeGroup": "../x"], "a path"), (["sizebytes": "1"], "misspelt"), (["password": "s3cr3t"], "unknown"),
    (["kubernetes.io/readwrite": "maybe"], "neither"), (["kubernetes.io/pvOrVolumeName": "another"], "another volume"),
  ]

  @Test("oversized, torn, slow and meaningless requests are refused, logged, and stop nobody else")
  func frames() async throws {
    try await withNode { node in
      let before = try world(node)
      let slow = try RawCall(node.socket)
      try slow.send(Array("{\"version\":1,".utf8))  // and nothing more
      let silent = try (0..<20).map { _ in try RawCall(node.socket) }

      let tooLarge = [UInt8](repeating: 0x20, count: (1 << 20) + 4096)
      let cases: [(bytes: [UInt8], remark: String)] = [
        (tooLarge, "oversized"), (Array("\n".utf8), "empty"),
        (Array("GET / HTTP/1.1\r\n\r\n".utf8), "another protocol"),
        (Array("{}\n".utf8), "no keys"), (Array("{\"version\":1,\"arguments\":\"mount\"}\n".utf8), "no list"),
        (Array("{\"version\":1,\"arguments\":[1]}\n".utf8), "no strings"), ([0xff, 0xfe, 0, 10], "no UTF-8"),
        (try RawCall.frame([]), "no words"), (try RawCall.frame(["rm", "-rf"]), "an unknown word"),
        (try RawCall.frame(["mount"] + [String](repeating: "x", count: 10_000)), "10,000 words"),
        (try RawCall.frame(["remove", "a\u{0}b"]), "a zero byte"),
        (try RawCall.frame(["remove", "--all"]), "an option"),
      ]
      for (bytes, remark) in cases {
        let reply = try RawCall.exchange(bytes, node.socket)
        #expect(reply.contains("\"Failure\"") || reply.contains("\"Not supported\""), "\(remark): \(reply)")
        #expect(reply.utf8.filter { $0 == 10 }.count == 1, "\(remark): \(reply)")
      }
      // Torn: gone in the middle of a request.
      for _ in 0..<20 {
        let torn = try RawCall(node.socket)
        try torn.send(Array("{\"version\":1,\"arguments\":[\"mou".utf8))
        torn.close()
      }
      #expect(try world(node) == before)
      node.ask("status").succeeds()
      #expect(slow.receiveAll().contains("Failure"))
      for call in silent { call.close() }
      #expect(node.log.contains("request refused"))
    }
  }

  @Test("who is not root is refused and logged, even where the socket is open to all")
  func otherUsers() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      let before = try world(node)
      #expect(try mode(of: node.socket) == 0o600)
      let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]

      // As it is, the door is shut.
      for directory in [node.root, Scratch.directory] { chmod(directory, 0o755) }
      let shut = try attemptAs(nobody, node, ["remove", volume])
      #expect(shut.exitCode == 1 && shut.output.contains("\"Failure\""), "\(shut.output)")

      // An administrator has opened it.
      chmod(parent(of: node.socket), 0o755)
      chmod(node.socket, 0o666)
      for arguments in [["remove", volume], ["unmount", node.podDirectory("pod-a", volume)], ["status"]] {
        let refused = try attemptAs(nobody, node, arguments)
        #expect(refused.exitCode == 1 && refused.output.contains("user 65534"), "\(refused.output)")
      }
      #expect(try world(node) == before)
      #expect(node.log.contains("user 65534"))
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  private func attemptAs(_ user: [String], _ node: Node, _ arguments: [String]) throws -> Program.Ended {
    let setpriv = try #require(Tools.find("setpriv"))
    // The products may be in a directory that is closed to others.
    let client = Scratch.directory + "/client"
    if !Files.exists(client) { try run("install", "-m", "0755", Products.client, client) }
    return try Program(
      setpriv, user + [client] + arguments,
      environment: ["ELASTIC_LOCAL_SOCKET": node.socket, "ELASTIC_LOCAL_TIMEOUT": "5"]
    ).wait()
  }

  private func mode(of path: String) throws -> UInt32 {
    var status = stat()
    try #require(stat(path, &status) == 0)
    return status.st_mode & 0o7777
  }

  /// Everything that an attack must not change: volumes, mounts, permits.
  private func world(_ node: Node) throws -> [String] {
    try node.group.volumes().map(\.description)
      + MountTable.current().entries.map { "\($0.mountPoint) \($0.source) \($0.options)" }
      + Files.list(node.state + "/permits")
  }
}

/// Puts a link in a directory's place and the directory back, again and again. On a thread of its own: the calls it is to
/// disturb block the test's.
private final class Attacker: Sendable {
  private struct State {
    var isOver = false
    var hasEnded = false
    var swaps = 0
  }

  private let directory, target: String
  private let state = Mutex(State())

  init(_ directory: String, _ target: String) { (self.directory, self.target) = (directory, target) }

  var swaps: Int { state.withLock { $0.swaps } }
  var hasEnded: Bool { state.withLock { $0.hasEnded } }

  func end() { state.withLock { $0.isOver = true } }

  func run() {
    let kept = directory + ".kept"
    while !state.withLock({ $0.isOver }) {
      guard rename(directory, kept) == 0, symlink(target, directory) == 0 else { break }
      usleep(500)
      guard unlink(directory) == 0, rename(kept, directory) == 0 else { break }
      state.withLock { $0.swaps += 1 }
      usleep(500)
    }
    state.withLock { $0.hasEnded = true }
  }
}

import Glibc
import LinuxSystem
import Testing

@Suite("The check for leaks", .serialized, .lab, .exclusive)
struct LeakCheckTests {
  @Test("it sees what was planted: volume, mount, loop device, permit, staging directory, lock")
  func planted() throws {
    let group = try VolumeGroup()
    defer { try? group.destroy() }
    let node = try Node(.thick(group))
    #expect(try Leaks.found(on: node) == [])

    try group.create("planted", mebibytes: 4, tags: ["elastic-local"])
    try expectOne(node, "logical volume planted")
    try group.remove("planted")

    try run("dmsetup", "create", lastComponent(of: group.device("stray")), "--table", "0 8 zero")
    try expectOne(node, "device")
    try run("dmsetup", "remove", lastComponent(of: group.device("stray")))

    try Mounting.bind(from: node.root + "/state", toPath: node.kubeletRoot + "/pods", readOnly: false)
    try expectOne(node, "mount")
    try Mounting.unmount(node.kubeletRoot + "/pods")

    try overwrite(node.root + "/image", with: [0], at: 1 << 20)
    let loop = try LoopDevice.attach(image: node.root + "/image")
    try expectOne(node, "loop device")
    try LoopDevice.detach(loop)

    for (directory, word) in [("permits", "permit"), ("staging", "staging directory")] {
      try Files.makeDirectories("\(node.state)/\(directory)/planted", mode: 0o700)
      try expectOne(node, word)
      rmdir("\(node.state)/\(directory)/planted")
    }

    let lock = try ExclusiveLock.acquire(node.state + "/lock")
    try expectOne(node, "lock")
    _ = consume lock
    #expect(try Leaks.found(on: node) == [])
    try Files.removeTree(node.root)
  }

  private func expectOne(_ node: Node, _ word: String, at location: SourceLocation = #_sourceLocation) throws {
    let leaks = try Leaks.found(on: node)
    #expect(leaks.count == 1 && leaks[0].contains(word), "\(leaks)", sourceLocation: location)
  }
}

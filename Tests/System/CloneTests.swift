import Glibc
import LinuxSystem
import StorageModel
import Testing

@Suite("Clones of thin volumes", .serialized, .lab, .exclusive)
struct CloneTests {
  private static let fileSystems = ["ext4", "xfs", "btrfs"]
  private let origin = Scratch.volumeName()
  private let clone = Scratch.volumeName()
  private let early = Marker(seed: 61)
  private let late = Marker(seed: 62)
  private let own = Marker(seed: 63)

  private func directory(_ volume: String, on node: Node) -> String { node.podDirectory("pod-a", volume) }

  /// A pod with the origin, which has data, not all of it synced.
  private func startOrigin(_ node: Node, _ options: Options) async throws {
    try await node.startPod(origin, options).succeeds()
    try early.write(in: directory(origin, on: node))
    try Files.writeDurably(Array("not yet".utf8), to: directory(origin, on: node) + "/x", mode: 0o600)
    let file = try Descriptor.open(directory(origin, on: node) + "/unsynced", O_WRONLY | O_CREAT, mode: 0o600)
    let text = Array("written".utf8)
    #expect(text.withUnsafeBytes { write(file.rawValue, $0.baseAddress, $0.count) } == text.count)
  }

  private func end(_ node: Node, _ volumes: String..., fileSystem: String) async throws {
    for volume in volumes {
      try await node.deletePod(volume).succeeds()
      try FileSystemProof.expectOne(fileSystem, on: try node.group.device(volume))
      node.remove(volume).succeeds()
    }
  }

  @Test(
    "a clone has what its origin had, and both are written at once and separately, until after a reboot",
    arguments: fileSystems)
  func life(fileSystem: String) async throws {
    try await withNode(.thin) { node in
      let options = Options.smallest(fileSystem)
      let (first, second) = (directory(origin, on: node), directory(clone, on: node))
      try await startOrigin(node, options)
      try await node.startPod(clone, try node.clone(of: origin, options)).succeeds()
      #expect(early.isIn(second), "the clone lacks what its origin had")
      #expect(try Files.readText(second + "/unsynced") == "written", "what was written before is in the clone")
      #expect(writeError(in: first) == nil, "the origin is frozen")

      try late.write(in: first, named: "late")
      try own.write(in: second, named: "own")
      #expect(!Files.exists(second + "/late") && !Files.exists(first + "/own"))

      // A reboot.
      try await node.kubelet.kill()
      try node.kill9()
      try unmountEverything(below: node.root)
      try node.group.deactivate()
      try await node.start()
      for volume in [origin, clone] { #expect(Files.exists(try node.group.device(volume)), "not activated") }
      try await node.kubelet.comeBack()
      for (path, name, marker) in [(first, "late", late), (second, "own", own)] {
        #expect(early.isIn(path) && marker.isIn(path, named: name))
        #expect(writeError(in: path) == nil)
      }
      try await end(node, origin, fileSystem: fileSystem)
      #expect(own.isIn(second, named: "own") && early.isIn(second), "the origin's removal took something along")
      try await end(node, clone, fileSystem: fileSystem)
    }
  }

  @Test("the clone of a volume that a crash left dirty and unmounted has what was synced", arguments: fileSystems)
  func dirtyOrigin(fileSystem: String) async throws {
    try await withNode(.thin) { node in
      let options = Options.smallest(fileSystem)
      try await startOrigin(node, options)
      try await node.kubelet.kill()
      try node.kill9()
      // What a crash leaves: the disk as it is while it is mounted.
      let (device, image) = (try node.group.device(origin), Scratch.fresh("crash"))
      try run("dd", "if=\(device)", "of=\(image)", "bs=1M", "iflag=direct", "conv=sparse")
      try unmountEverything(below: node.root)
      try run("dd", "if=\(image)", "of=\(device)", "bs=1M", "oflag=direct", "conv=fsync")
      try Files.removeDurably(image)
      let kind = try #require(FileSystemKind(rawValue: fileSystem))
      #expect(try FileSystemCopy.needsMount(kind, on: device) == (kind != .btrfs), "it is not dirty")
      try await node.start()
      try await node.kubelet.comeBack(without: [node.podUID("pod-a", origin)])
      try await node.kubelet.finish(node.podUID("pod-a", origin)).succeeds()
      try await node.startPod(clone, try node.clone(of: origin, options)).succeeds()
      #expect(early.isIn(directory(clone, on: node)))
      try await node.startPod(origin, options).succeeds()
      #expect(early.isIn(directory(origin, on: node)))
      try await end(node, clone, origin, fileSystem: fileSystem)
    }
  }

  @Test("a larger clone has a larger file system, and grows in use like any volume", arguments: fileSystems)
  func larger(fileSystem: String) async throws {
    try await withNode(.thin) { node in
      let options = Options.smallest(fileSystem)
      let size = options.mebibytes ?? 64
      try await startOrigin(node, options)
      var wanted = try node.clone(of: origin, options)
      wanted.mebibytes = size + 128
      try await node.startPod(clone, wanted).succeeds()
      let (first, second) = (directory(origin, on: node), directory(clone, on: node))
      let before = try capacity(of: second)
      #expect(before > (try capacity(of: first)) + 100 << 20, "it did not grow")
      #expect(early.isIn(second))
      try await node.growVolume(clone, from: wanted, toMebibytes: size + 256).succeeds()
      #expect(try capacity(of: second) > before + 100 << 20)
      try await end(node, origin, clone, fileSystem: fileSystem)
    }
  }

  @Test("clones of one origin, and of a clone, are mounted at once on one node", arguments: fileSystems)
  func many(fileSystem: String) async throws {
    try await withNode(.thin) { node in
      let options = Options.smallest(fileSystem)
      try await startOrigin(node, options)
      let clones = (0..<3).map { _ in Scratch.volumeName() }
      for name in clones { try await node.schedulePod(name, try node.clone(of: origin, options)) }
      for name in clones { try await node.waitUntilReady(name).succeeds() }
      let grandchild = Scratch.volumeName()
      try own.write(in: directory(clones[0], on: node), named: "own")
      try await node.startPod(grandchild, try node.clone(of: clones[0], options)).succeeds()
      #expect(own.isIn(directory(grandchild, on: node), named: "own"))
      for name in clones { #expect(early.isIn(directory(name, on: node))) }
      for name in [origin] + clones + [grandchild] { try await end(node, name, fileSystem: fileSystem) }
    }
  }

  @Test("what cannot be cloned is refused in the pod's event, and nothing is created")
  func refused() async throws {
    try await withNode(.thin) { node in
      try await node.startPod(origin).succeeds()
      func refuse(_ change: (inout Options) -> Void, _ words: String...) async throws {
        var options = try node.clone(of: origin)
        change(&options)
        let answer = try await node.startPod(clone, options)
        #expect(!answer.isSuccess)
        for word in words { #expect(answer.message.contains(word), "\(answer)") }
        #expect(try node.group.volume(clone) == nil)
        #expect(try Files.list(node.state + "/permits").isEmpty)
      }
      try await refuse({ $0.mebibytes = 32 }, "at least as large")
      try await refuse({ $0.extra["thin"] = "false" }, "only thin volumes")
      try await refuse({ $0.extra["cloneOfInstance"] = "another" }, "another one")
      try await refuse({ $0.extra["cloneOf"] = "pvc-gone" }, "pvc-gone", "does not exist")
      try await refuse({ $0.fileSystem = "xfs" }, "the file system of its origin")
      // Created by somebody else, of thick extents.
      try node.group.create("thick", mebibytes: 64, tags: ["elastic-local", "elastic-local/volume=thick"])
      let uuid = try #require(try node.group.volume("thick")).uuid
      try await refuse({ $0.extra.merge(["cloneOf": "thick", "cloneOfInstance": uuid]) { $1 } }, "thick")
      try node.group.remove("thick")
      try await end(node, origin, fileSystem: "ext4")
    }
  }

  @Test("no clone is made in a full thin pool, nothing of one that fails is left, and it is made when there is space")
  func fullPool() async throws {
    let group = try VolumeGroup(thinPool: "160m")
    try await withNode(.thin(group)) { node in
      node.flags = ["--thin-overprovision", "10"]
      try await node.restart()
      try run("lvchange", "-q", "-q", "--errorwhenfull", "y", "\(group.name)/\(VolumeGroup.thinPool)")
      let filler = Scratch.volumeName()
      try await startOrigin(node, Options())
      try await node.startPod(filler, Options(mebibytes: 256)).succeeds()
      _ = try attempt(
        "dd", ["if=/dev/zero", "of=\(directory(filler, on: node))/fill", "bs=1M", "count=200", "conv=fsync"])
      let answer = try await node.startPod(clone, try node.clone(of: origin))
      #expect(!answer.isSuccess, "a clone was made in a full thin pool")
      #expect(try group.volume(clone) == nil)
      #expect(try Files.list(node.state + "/permits").isEmpty)

      try await node.deletePod(filler)
      node.remove(filler).succeeds()
      // The kernel is asked at most every ten seconds.
      let isMade = try await eventually(seconds: 60) {
        try await node.startPod(clone, try node.clone(of: origin)).isSuccess
      }
      #expect(isMade)
      #expect(early.isIn(directory(clone, on: node)))
      for name in [clone, origin] {
        try await node.deletePod(name).succeeds()
        node.remove(name).succeeds()
      }
    }
  }

  private func suspendedDevices() throws -> [String] {
    try run("dmsetup", "info", "-c", "--noheadings", "--separator", " ", "-o", "name,suspended").split(separator: "\n")
      .filter { $0.hasSuffix(" Suspended") }.map(String.init)
  }

  @Test("an origin or thin pool that a killed command has left suspended is resumed by the daemon's next start")
  func leftSuspended() async throws {
    try await withNode(.thin) { node in
      try await startOrigin(node, Options())
      let devices = [try node.group.device(origin), try node.group.device(VolumeGroup.thinPool) + "-tpool"]
      for device in devices {
        try node.kill9()
        try run("dmsetup", "suspend", lastComponent(of: device))
        #expect(try suspendedDevices().count == 1)
        try await node.start()
        #expect(try suspendedDevices() == [])
        #expect(writeError(in: directory(origin, on: node)) == nil)
      }
      try await end(node, origin, fileSystem: "ext4")
    }
  }

  /// Between the suspension of the origin and its resumption too.
  @Test("a daemon that is killed in the middle of a snapshot leaves no origin suspended once it runs again")
  func killedInSnapshot() async throws {
    try await withNode(.thin) { node in
      try await startOrigin(node, Options())
      let options = try node.clone(of: origin)
      for milliseconds in stride(from: 0, through: 60, by: 4) {
        try await node.restart(fault: "permit-written:kill-after-\(milliseconds)")
        try await node.schedulePod(clone, options)
        _ = await eventually(seconds: 20) { node.daemon?.isRunning != true }
        try await node.restart()
        #expect(writeError(in: directory(origin, on: node)) == nil, "after \(milliseconds) ms")
        try await node.waitUntilReady(clone).succeeds()
        // Not before: the repeated call suspends it for a moment.
        #expect(try suspendedDevices() == [], "after \(milliseconds) ms")
        #expect(early.isIn(directory(clone, on: node)), "after \(milliseconds) ms")
        try await end(node, clone, fileSystem: "ext4")
      }
      try await end(node, origin, fileSystem: "ext4")
    }
  }
}

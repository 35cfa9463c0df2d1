import LinuxSystem
import Testing
import VolumeHost

@Suite("The attach path", .serialized, .lab, .exclusive)
struct AttachTests {
  @Test(
    "device, global mount, binds of two pods, growth, crashes, and back",
    arguments: [
      (StorageKind.thick, Kubelet.Kind.oldAttaching), (.thick, .newAttaching), (.thin, .oldAttaching),
      (.files, .newAttaching),
    ])
  func attachPath(storage: StorageKind, kubelet: Kubelet.Kind) async throws {
    try await withNode(storage, kubelet: kubelet) { node in
      let volume = Scratch.volumeName()
      let marker = Marker(seed: 3)
      let global = node.globalDirectory(volume)
      let (podA, podB) = (node.podDirectory("pod-a", volume), node.podDirectory("pod-b", volume))
      let device = try #require(await node.calls.waitForAttach(volume).succeeds().device)
      #expect(try DeviceContents.probe(device) == .blank, "waitforattach is not to format")

      try await startTwoPods(node, volume, marker)
      #expect(try await node.calls.waitForAttach(volume).succeeds().device == device)
      try await node.calls.mountDevice(volume, device: device).succeeds()  // again: who lost the reply does
      #expect(try MountTable.current().at(global).count == 1, "a second mount was stacked")
      let mine = try mountPoints(of: device)
      #expect(
        mine == [global, podA, podB],
        "a mount that kubelet does not know keeps it from unmounting the device: \(mine)")

      try await grow(node, volume, device)
      try await node.restart()
      #expect(try await node.calls.waitForAttach(volume).succeeds().device == device)
      try await node.kubelet.restart()
      #expect(try mountPoints(of: device) == mine, "the kubelet's restart changed the mounts")
      try await node.calls.unmountDevice(volume).succeeds()  // kubelet would wait for the pods; theirs stay
      #expect(marker.isIn(podA))

      try await node.deletePod(volume, pod: "pod-b").succeeds()
      try await node.deletePod(volume).succeeds()
      try await node.calls.unmountDevice(volume).succeeds()
      #expect(try mountPoints(of: device) == [])

      // The next pod: the data is there.
      try await node.startPod(volume).succeeds()
      #expect(marker.isIn(podA))
      try await node.deletePod(volume).succeeds()
      #expect(try mountPoints(of: device) == [])
      node.remove(volume).succeeds()
    }
  }

  /// The second one reads only. The calls for the first one are in the kubelet's order.
  private func startTwoPods(_ node: Node, _ volume: String, _ marker: Marker) async throws {
    let runner = try node.kubelet.runner
    let began = runner.records.count
    try await node.startPod(volume).succeeds()
    let commands = runner.records.dropFirst(began).map(\.call.command)
      .filter { ![.initialize, .getVolumeName].contains($0) }
    #expect(commands == [.attach, .waitForAttach, .mountDevice, .mount])
    try marker.write(in: node.podDirectory("pod-a", volume))
    try await node.startPod(volume, pod: "pod-b", Options(isReadOnly: true)).succeeds()
    #expect(marker.isIn(node.podDirectory("pod-b", volume)))
    #expect(writeError(in: node.podDirectory("pod-b", volume)) == .readOnly)
  }

  private func grow(_ node: Node, _ volume: String, _ device: String) async throws {
    let global = node.globalDirectory(volume)
    let before = try capacity(of: global)
    try await node.growVolume(volume, toMebibytes: 128).succeeds()
    let after = try capacity(of: global)
    #expect(after > before + (32 << 20))
    // As before pods have it.
    try await node.calls.expand(volume, device: device, at: global, toMebibytes: 128).succeeds()
    #expect(try capacity(of: global) == after)
  }

  private func mountPoints(of device: String) throws -> [String] {
    try MountTable.current().mounts(ofBlockDevice: try BlockDevice.number(of: device)).map(\.mountPoint).sorted()
  }

  @Test("a volume that is not detached yet is taken down and detached when its pod goes, over a kubelet's restart")
  func restartedBetween() async throws {
    try await withNode(.thick, kubelet: .newAttaching) { node in
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      try await node.kubelet.restart(without: node.podUID("pod-a", volume))
      try await node.kubelet.finish(node.podUID("pod-a", volume)).succeeds()
      try await node.waitUntilDetached(volume)
      #expect(try MountTable.current().at(node.globalDirectory(volume)).isEmpty)
      #expect(try node.kubelet.runner.records.last?.call.command == .detach)
      node.remove(volume).succeeds()
    }
  }
}

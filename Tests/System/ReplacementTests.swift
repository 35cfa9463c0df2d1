import LinuxSystem
import Testing
import VolumeHost

@Suite("A daemon that is replaced", .serialized, .lab, .exclusive)
struct ReplacementTests {
  @Test(
    "costs no call: pods that start, grow and end while it is away for 20 s find the next one",
    arguments: [Kubelet.Kind.old, .newAttaching])
  func away(kubelet: Kubelet.Kind) async throws {
    try await withNode(.thick, kubelet: kubelet) { node in
      let (old, new) = (Scratch.volumeName(), Scratch.volumeName())
      try await node.startPod(old).succeeds()
      try node.stop()
      let since = try node.kubelet.events.count
      try await node.schedulePod(new)
      try await node.kubelet.end(node.podUID("pod-a", old))
      // As long as a rollout takes that has to pull an image: the absence is what is tested.
      try await Task.sleep(for: .seconds(20))
      try await node.start()
      try await node.kubelet.start(of: node.podUID("pod-a", new), since: since).succeeds()
      try await node.deletePod(old).succeeds()
      let failures = try node.kubelet.runner.records.filter {
        $0.outcome != .notSupported && !Answer("", $0.outcome).isSuccess
      }
      #expect(failures.isEmpty, "\(failures.map { "\($0.call.command.rawValue): \($0.outcome)" })")
      try await node.deletePod(new).succeeds()
      node.remove(old).succeeds()
      node.remove(new).succeeds()
    }
  }

  @Test("a socket that was removed is made again, and pods start")
  func socketRemoved() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try Files.removeTree(parent(of: node.socket))
      try await node.startPod(volume).succeeds()
      #expect(node.log.contains("socket was removed and has been created again"), "\(node.log)")
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }
}

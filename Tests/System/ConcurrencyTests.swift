import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite("Many calls at once", .serialized, .lab, .exclusive)
struct ConcurrencyTests {
  @Test("50 calls at once on 10 volumes, twice: all pods start, grow and end as they should")
  func fifty() async throws {
    try await withNode { node in
      let volumes = (0..<10).map { _ in Scratch.volumeName() }
      let small = Options(mebibytes: 16)
      let readOnly = Options(mebibytes: 16, isReadOnly: true)
      let since = try node.kubelet.events.count
      for volume in volumes {
        for pod in ["pod-a", "pod-b", "pod-c", "pod-d"] { try await node.schedulePod(volume, pod: pod, small) }
        try await node.schedulePod(volume, pod: "pod-e", readOnly)
      }
      try await expectStarted(volumes, ["pod-a", "pod-b", "pod-c", "pod-d", "pod-e"], on: node)
      // Growth, ends and starts of one volume side by side.
      for volume in volumes {
        try await node.schedulePod(
          volume, pod: "pod-a", Options(mebibytes: 16, capacity: 24 << 20, claim: 16 << 20))
        for pod in ["pod-b", "pod-c"] { try await node.kubelet.end(node.podUID(pod, volume)) }
        try await node.schedulePod(volume, pod: "pod-f", readOnly)
        try await node.schedulePod(volume, pod: "pod-g", small)
      }
      try await expectStarted(volumes, ["pod-f", "pod-g"], on: node)
      for volume in volumes {
        for pod in ["pod-b", "pod-c"] { try await node.kubelet.finish(node.podUID(pod, volume)).succeeds() }
      }
      #expect(try node.kubelet.events.dropFirst(since).filter { $0.reason.hasPrefix("Failed") } == [])
      try await expectGrown(volumes, on: node)
      #expect(try node.group.volumes().filter(\.isOurs).map(\.name).sorted() == volumes.sorted())
      try await endAll(volumes, ["pod-a", "pod-d", "pod-e", "pod-f", "pod-g"], on: node)
    }
  }

  /// Each pod has its volume, once.
  private func expectStarted(_ volumes: [String], _ pods: [String], on node: Node) async throws {
    for volume in volumes {
      for pod in pods {
        try await node.waitUntilReady(volume, pod: pod).succeeds()
        #expect(try MountTable.current().at(node.podDirectory(pod, volume)).count == 1, "\(volume) \(pod)")
      }
    }
  }

  private func expectGrown(_ volumes: [String], on node: Node) async throws {
    for volume in volumes {
      let directory = node.podDirectory("pod-a", volume)
      let isGrown = try await eventually(seconds: 60) { try capacity(of: directory) > 16 << 20 }
      #expect(isGrown, "\(volume)")
      #expect(writeError(in: directory) == nil, "\(volume)")
      #expect(writeError(in: node.podDirectory("pod-f", volume)) == .readOnly, "\(volume)")
    }
  }

  private func endAll(_ volumes: [String], _ pods: [String], on node: Node) async throws {
    for volume in volumes {
      for pod in pods { try await node.kubelet.end(node.podUID(pod, volume)) }
    }
    for volume in volumes {
      for pod in pods { try await node.kubelet.finish(node.podUID(pod, volume)).succeeds() }
      try await node.waitUntilDetached(volume)
      node.remove(volume).succeeds()
    }
  }

  @Test("50 calls at once, also for the same pod, as of a kubelet that was killed and the next: what they leave fits")
  func twoKubelets() async throws {
    try await withNode { node in
      let volumes = (0..<10).map { _ in Scratch.volumeName() }
      let calls = try node.calls
      for round in 0..<2 {
        for answer in try await atOnce(volumes, calls, round: round) {
          // A growth that overtakes its mount finds nothing to grow, and says so. A mount that is taken off before the client
          // has looked is not there, and the client says so.
          let mayFail =
            answer.question.hasPrefix("expandfs") || answer.question.hasPrefix("mount") && isTakenOff(answer)
          if !mayFail { answer.succeeds() }
        }
      }
      for volume in volumes {
        let directory = node.podDirectory("pod-a", volume)
        #expect(try MountTable.current().at(directory).count == 1, "\(volume)")
        #expect(writeError(in: directory) == nil, "\(volume)")
        #expect(try MountTable.current().at(node.podDirectory("pod-b", volume)).count <= 1, "\(volume)")
      }
      #expect(try node.group.volumes().filter(\.isOurs).map(\.name).sorted() == volumes.sorted())
      for volume in volumes {
        for pod in ["pod-a", "pod-b", "pod-c"] { try await calls.unmount(volume, pod: pod).succeeds() }
        node.remove(volume).succeeds()
      }
    }
  }

  /// Of the pod that is unmounted at the same time, and for that reason alone.
  private func isTakenOff(_ answer: Answer) -> Bool {
    answer.question.contains("/pods/pod-b-") && "\(answer)".contains("does not appear")
  }

  private func atOnce(_ volumes: [String], _ calls: SingleCalls, round: Int) async throws -> [Answer] {
    let small = Options(mebibytes: 16)
    let readOnly = Options(mebibytes: 16, isReadOnly: true)
    return try await withThrowingTaskGroup(of: Answer.self) { group in
      for volume in volumes {
        group.addTask { try await calls.mount(volume, small) }
        group.addTask { try await calls.mount(volume, pod: "pod-b", readOnly) }
        group.addTask { try await calls.expand(volume, toMebibytes: 24) }
        group.addTask {
          round == 0
            ? try await calls.mount(volume, pod: "pod-b", readOnly) : try await calls.unmountOnly(volume, pod: "pod-b")
        }
        group.addTask { try await calls.unmountOnly(volume, pod: "pod-c") }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }

  @Test(
    "two pods start on one new volume at the same time: one file system, both have it",
    arguments: [Kubelet.Kind.new, .newAttaching])
  func twoPods(kubelet: Kubelet.Kind) async throws {
    try await withNode(kubelet: kubelet) { node in
      for _ in 0..<5 {
        let volume = Scratch.volumeName()
        for pod in ["pod-a", "pod-b"] { try await node.schedulePod(volume, pod: pod, Options(mebibytes: 16)) }
        try await expectStarted([volume], ["pod-a", "pod-b"], on: node)
        let marker = Marker(seed: 21)
        try marker.write(in: node.podDirectory("pod-a", volume))
        #expect(marker.isIn(node.podDirectory("pod-b", volume)))
        try await endAll([volume], ["pod-a", "pod-b"], on: node)
      }
      #expect(try node.kubelet.events == [])
      #expect(node.log.split(separator: "\n").filter { $0.contains(" volume formatted ") }.count == 5)
    }
  }
}

import LinuxSystem
import Testing

@Suite("Growth that was still in the journal", .serialized, .lab, .exclusive)
struct GrowthReplayTests {
  /// What of the growths is still in the journal when the node crashes. Four allocation groups of 80 MiB: the first growth
  /// begins a fifth, the second one makes that larger.
  enum Journal: String, CaseIterable, CustomTestStringConvertible {
    case both = "both growths"
    case second = "the second growth"

    var testDescription: String { rawValue }
  }

  /// Found by `make torture SEED=4`: the kernel shut the file system down as soon as it grew again.
  @Test(
    "an xfs that crashed right after it had grown can be used and grown again, whichever path mounts it",
    .tools("xfs_io"), arguments: [Kubelet.Kind.new, .newAttaching], Journal.allCases)
  func grownAgain(kubelet: Kubelet.Kind, journal: Journal) async throws {
    try await withNode(kubelet: kubelet) { node in
      let volume = Scratch.volumeName()
      var options = Options.smallest("xfs")
      let marker = Marker(seed: 12)
      let directory = node.podDirectory("pod-a", volume)
      try await node.startPod(volume, options).succeeds()
      try marker.write(in: directory)
      try await grow(node, volume, &options, to: 352)
      if journal == .second {
        try await node.deletePod(volume).succeeds()
        try await node.startPod(volume, options).succeeds()
      }
      try await grow(node, volume, &options, to: 384)
      // As a crash does, but for the journal: what was committed stays in it.
      try run("xfs_io", "-x", "-c", "shutdown -f", directory)
      try await node.deletePod(volume).succeeds()

      try await node.startPod(volume, options).succeeds()
      #expect(marker.isIn(directory), "the data is gone")
      try await grow(node, volume, &options, to: 416)
      #expect(writeError(in: directory) == nil, "the file system was shut down")
      try await node.deletePod(volume).succeeds()
      try FileSystemProof.expectOne("xfs", on: try node.group.device(volume))
      node.remove(volume).succeeds()
    }
  }

  private func grow(_ node: Node, _ volume: String, _ options: inout Options, to mebibytes: Int) async throws {
    try await node.growVolume(volume, from: options, toMebibytes: mebibytes).succeeds()
    options.mebibytes = mebibytes
  }
}

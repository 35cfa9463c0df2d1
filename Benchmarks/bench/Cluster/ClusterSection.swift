import LinuxSystem

/// Our costs for a cluster, on a real Kubernetes: requests and time per claim, memory with 10,000 volumes, and the
/// delay of a pod's start.
struct ClusterSection {
  private enum Part: String, CaseIterable {
    case claims
    case unboundedClaims = "claims-unbounded"
    case kept, memory, pods
  }

  /// Measures the parts. Blocks. Returns the exit status.
  @Measuring func run() async throws -> Int32 {
    let words = Settings.words("SECTIONS", or: Part.allCases.map(\.rawValue))
    let parts = try words.map { word in
      guard let part = Part(rawValue: word) else { throw NotMeasured("'\(word)' is not a section") }
      return part
    }
    for program in ["elastic-local", "elastic-local-node", "elastic-local-provisioner"] {
      let path = "\(Lab.products)/\(program)"
      guard Files.exists(path) else { throw NotMeasured("no \(path): run make build, or make bench-cluster") }
    }
    let report = Report()
    try Machine.describe("Kubernetes 1.20.2", in: report)
    report.line(try Machine.load())
    for part in parts { try await measure(part, report) }
    report.line("\n" + (try Machine.load()))
    return report.status
  }

  @Measuring private func measure(_ part: Part, _ report: Report) async throws {
    switch part {
    case .claims: try await ClaimCosts(rate: nil, report: report).measure()
    case .unboundedClaims: try await ClaimCosts(rate: 1000, report: report).measure()
    case .kept: try await KeptCosts(report: report).measure()
    case .memory: try await ClusterMemory(report: report).measure()
    case .pods: try await PodStarts(report: report).measure()
    }
  }

  /// Prepares the engine of a real daemon: LVM on the lab's first disk if in the lab. Returns its name. Blocks.
  static func prepareEngine() throws -> String {
    guard Lab.kind != nil else { return Settings.text("ENGINE") ?? "file" }
    guard let disk = Settings.words("LAB_DISKS", or: []).first else { throw NotMeasured("the lab has no disk") }
    try VolumeGroup.make("elastic-local-vg", on: disk)
    return "lvm"
  }
}

import LinuxSystem

/// A section that is measured by itself.
enum Section: String {
  case flexCall = "flex-call"
  case volumes, scale, ownership, cluster

  /// Measures the section. Returns the exit status: 0; 1 if a target is missed; or the status of the measuring program.
  /// Blocks.
  @Measuring func run() async throws -> Int32 {
    switch self {
    case .flexCall: return try Lab.run(here: [Lab.project + "/Benchmarks/flex-call/run.sh"])
    case .volumes:
      guard let disks = Lab.disks(3) else { return try Lab.run(self, disks: ["6G", "6G", "6G"], silence: 900) }
      return try VolumesSection().run(ours: disks[0], bare: disks[1], thin: disks[2])
    case .scale:
      guard let disks = Lab.disks(1) else { return try Lab.run(self, disks: ["24G"], silence: 1800) }
      return try ScaleSection().run(disk: disks[0])
    case .ownership: return try await OwnershipSection().run()
    case .cluster: return try await ClusterSection().run()
    }
  }
}

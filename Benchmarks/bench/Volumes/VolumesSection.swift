import LinuxSystem

/// The cost of volumes for the node: a new one, a mount, an idle daemon, memory.
struct VolumesSection {
  static let group = "bench-ours"
  static let bareGroup = "bench-bare"

  /// Measures the section. Blocks. Returns the exit status.
  func run(ours: String, bare: String) throws -> Int32 {
    let rounds = try Settings.number("ROUNDS", or: 12)
    let duration = try Settings.number("DURATION", or: 60)
    let report = Report()
    try Files.makeDirectories(DaemonUnderTest.directory, mode: 0o755)
    try Machine.describe(Machine.lvmVersion(), in: report)
    try VolumeGroup.make(Self.group, on: ours)
    try VolumeGroup.make(Self.bareGroup, on: bare)
    let daemon = try DaemonUnderTest(group: Self.group)
    try FreshVolumes(daemon: daemon, report: report, rounds: rounds).measure()
    let volume = BenchVolume(2)
    try CountedVolume(daemon: daemon, report: report, volume: volume).measure()
    try ExistingVolume(daemon: daemon, report: report, volume: volume, rounds: rounds).measure()
    try Idle(daemon: daemon, report: report, seconds: duration).measure()
    try daemon.stop()
    let fresh = try DaemonUnderTest(group: Self.group)
    try ResidentMemory(daemon: fresh, report: report).measure()
    try fresh.stop()
    return report.status
  }
}

enum VolumeGroup {
  /// Creates a group on an empty disk. Blocks.
  static func make(_ name: String, on disk: String) throws {
    try Programs.run(Lab.project + "/lab/volume-group", name, disk)
  }
}

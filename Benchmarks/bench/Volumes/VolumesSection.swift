import LinuxSystem

/// The cost of volumes for the node: a new one, a mount, an idle daemon, memory.
struct VolumesSection {
  static let group = "bench-ours"
  static let bareGroup = "bench-bare"
  static let thinGroup = "bench-thin"

  /// Measures the section. Blocks. Returns the exit status.
  func run(ours: String, bare: String, thin: String) throws -> Int32 {
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
    try VolumeGroup.make(Self.thinGroup, on: thin, thinPool: Clones.thinPool)
    let cloning = try DaemonUnderTest(group: Self.thinGroup, thinPool: Clones.thinPool)
    try Clones(daemon: cloning, report: report, rounds: rounds).measure()
    try cloning.stop()
    let fresh = try DaemonUnderTest(group: Self.group)
    try ResidentMemory(daemon: fresh, report: report).measure()
    try fresh.stop()
    return report.status
  }
}

enum VolumeGroup {
  /// Creates a group on an empty disk, with a thin pool in nearly all of it if one is named. Blocks.
  static func make(_ name: String, on disk: String, thinPool: String? = nil) throws {
    let thin = thinPool.map { ["--thin", $0, "95%VG"] } ?? []
    try Programs.run([Lab.project + "/lab/volume-group"] + thin + [name, disk])
  }
}

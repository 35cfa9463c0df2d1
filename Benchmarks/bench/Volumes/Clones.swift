import LinuxSystem
import StorageModel

/// A clone with content, compared with a new empty volume of the same thin pool. Both by a call of the client.
struct Clones {
  let daemon: DaemonUnderTest
  let report: Report
  let rounds: Int

  static let thinPool = "pool"

  /// What the origin holds.
  private static let content = 200
  private static let origin = BenchVolume(3000)

  /// One new volume, as the daemon measured it.
  private struct Cost {
    var call: Duration
    /// From no volume to one with a file system: lvcreate and mkfs, or the clone.
    var making: Duration
  }

  /// In turn, so that other load on the machine affects both.
  func measure() throws {
    let options = try makeOrigin()
    _ = (try cost(of: BenchVolume(3001), [:]), try cost(of: BenchVolume(3001), options))
    var (empty, clones): ([Cost], [Cost]) = ([], [])
    for round in 0..<rounds {
      if round % 2 == 0 { empty.append(try cost(of: BenchVolume(3002 + round), [:])) }
      clones.append(try cost(of: BenchVolume(4002 + round), options))
      if round % 2 == 1 { empty.append(try cost(of: BenchVolume(3002 + round), [:])) }
    }
    report.line(
      "\nclone of a 1 GiB ext4 volume with \(Self.content) MiB of content, and a new empty one, both thin: \(rounds) of each, "
        + "in turn; medians")
    report.row("new empty volume, flex call", median(empty.map(\.call)))
    report.row("new empty volume: lvcreate, probe, mkfs", median(empty.map(\.making)))
    report.row("clone, flex call", median(clones.map(\.call)))
    report.row("clone: snapshot, identity", median(clones.map(\.making)))
    report.verdict(
      "clone against lvcreate and mkfs of an empty volume (ratio)", median(clones.map(\.making)),
      beside: median(empty.map(\.making)), limit: 0.65)
    try daemon.ask("remove", Self.origin.name)
  }

  /// Returns the options of a clone.
  private func makeOrigin() throws -> [String: String] {
    try FlexCalls.mount(Self.origin, FreshVolumes.size)
    let file = FlexCalls.directory(of: Self.origin) + "/content"
    try Programs.run("dd", "if=/dev/urandom", "of=\(file)", "bs=1M", "count=\(Self.content)", "conv=fsync")
    try FlexCalls.unmount(Self.origin)
    let uuid = try Programs.run(
      "lvs", "--noheadings", "-o", "lv_uuid", "\(VolumesSection.thinGroup)/\(Self.origin.name)")
    return ["cloneOf": Self.origin.name, "cloneOfInstance": uuid.filter { !$0.isWhitespace }]
  }

  private func cost(of volume: BenchVolume, _ options: [String: String]) throws -> Cost {
    let before = try daemon.metrics()
    let call = try FlexCalls.mount(volume, FreshVolumes.size, options)
    let after = try daemon.metrics()
    let phases = options.isEmpty ? ["create", "probe", "format"] : ["clone"]
    let making = phases.reduce(Duration.zero) { $0 + after.time(inPhase: $1) - before.time(inPhase: $1) }
    try FlexCalls.unmount(volume)
    try daemon.ask("remove", volume.name)
    return Cost(call: call, making: making)
  }
}

import LinuxSystem
import StorageModel

/// A new volume by a call of the client, compared with a script.
struct FreshVolumes {
  let daemon: DaemonUnderTest
  let report: Report
  let rounds: Int

  static let size = ByteCount.gibibytes(1)

  private enum Variant: CaseIterable {
    /// The call of the client.
    case daemon
    /// A script with the daemon's options.
    case same
    /// A script without options.
    case plain
    /// The script of `same`, and LVM with one option that the daemon sets.
    case tuned

    var title: String {
      switch self {
      case .daemon: "flex call mount (client, daemon, in-process LVM, mkfs, mounts)"
      case .same: "lvcreate + mkfs.ext4 -m 0 -E nodiscard + mount"
      case .tuned: "the same, lvcreate with global/use_aio=0"
      case .plain: "lvcreate + mkfs.ext4 + mount"
      }
    }
  }

  /// Interleaved in changing order, so that other load on the machine affects all variants.
  func measure() throws {
    // The first of a kind is slower, so it does not count.
    _ = try time(.daemon, BenchVolume(1))
    _ = try time(.same, BenchVolume(1))
    var times: [Variant: [Duration]] = [:]
    let variants = Variant.allCases
    for round in 0..<rounds {
      for turn in variants.indices {
        let variant = variants[(round + turn) % variants.count]
        times[variant, default: []].append(try time(variant, BenchVolume(1000 + round)))
      }
    }
    show(times.mapValues { median($0) })
  }

  private func show(_ medians: [Variant: Duration]) {
    report.line("\nnew 1 GiB ext4 volume: \(rounds) of each, in turn; medians of wall time")
    for variant in [Variant.daemon, .same, .tuned, .plain] { report.row(variant.title, medians[variant] ?? .zero) }
    report.verdict(
      "time against the bare sequence, same options (ratio)", medians[.daemon] ?? .zero,
      beside: medians[.same] ?? .zero, limit: 1.0)
  }

  private func time(_ variant: Variant, _ volume: BenchVolume) throws -> Duration {
    switch variant {
    case .daemon: try timeCall(volume)
    case .same: try timeBareSequence(mkfs: ["-m", "0", "-E", "nodiscard"])
    case .plain: try timeBareSequence(mkfs: [])
    case .tuned: try timeBareSequence(mkfs: ["-m", "0", "-E", "nodiscard"], lvm: ["--config", "global/use_aio=0"])
    }
  }

  private func timeCall(_ volume: BenchVolume) throws -> Duration {
    let time = try FlexCalls.mount(volume, Self.size)
    try FlexCalls.unmount(volume)
    try daemon.ask("remove", volume.name)
    return time
  }

  private func timeBareSequence(mkfs options: [String], lvm: [String] = []) throws -> Duration {
    let (group, mountPoint) = (VolumesSection.bareGroup, DaemonUnderTest.directory + "/mnt")
    let device = "/dev/\(group)/volume"
    try Files.makeDirectories(mountPoint, mode: 0o755)
    let time = try Programs.time {
      try Programs.run(["lvcreate"] + lvm + ["-y", "-Wy", "-Zy", "-n", "volume", "-L", "1g", group])
      try Programs.run(["mkfs.ext4", "-q", "-F"] + options + [device])
      try Programs.run("mount", device, mountPoint)
    }
    try Mounting.unmount(mountPoint)
    try Programs.run("lvremove", "-y", "\(group)/volume")
    return time
  }
}

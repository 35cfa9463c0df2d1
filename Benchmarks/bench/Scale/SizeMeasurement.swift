import LinuxSystem

/// Measures a daemon with one number of other volumes.
struct SizeMeasurement {
  let daemon: DaemonUnderTest
  let others: Int
  let rounds: Int

  /// Samples in each round of what is fast. The daemon's own time is a few milliseconds: now and then it pays for pages that
  /// were given back to the system meanwhile, and the median passes over that only if there are enough samples.
  private static let lookupsPerRound = 4
  private static let createsPerRound = 2

  /// How often the daemon itself has changed the group after `rounds` rounds, the first call's volume included.
  static func changes(rounds: Int) -> Int { rounds * createsPerRound + 1 }

  /// The time of LVM's library in the daemon, and the daemon's own time.
  private struct Split {
    let library: Duration
    let own: Duration
  }

  func measure() throws -> SizeFigures {
    // The first call of a daemon is slower, so it does not count.
    try FlexCalls.mount(BenchVolume(1), ScaleSection.size)
    var (creates, lookups, reports): ([Split], [Duration], [Split]) = ([], [], [])
    var forked: [(create: Duration, report: Duration)] = []
    var tuned: [(create: Duration, report: Duration)] = []
    for round in 0..<rounds {
      reports.append(try readAgain(round))
      for sample in 0..<Self.createsPerRound {
        creates.append(try makeFresh(BenchVolume(100 + round * Self.createsPerRound + sample)))
      }
      for _ in 0..<Self.lookupsPerRound { lookups.append(try mountKnown(BenchVolume(1))) }
      forked.append((try create("forked-\(round)"), try report()))
      tuned.append((try create("tuned-\(round)", Self.tuning), try report(Self.tuning)))
    }
    return SizeFigures(
      others: others, create: median(creates.map(\.library)), forkedCreate: median(forked.map(\.create)),
      tunedCreate: median(tuned.map(\.create)), report: median(reports.map(\.library)),
      forkedReport: median(forked.map(\.report)), tunedReport: median(tuned.map(\.report)),
      ownCreate: median(creates.map(\.own)), ownLookup: median(lookups), ownReport: median(reports.map(\.own)),
      memory: try daemon.figures.status("VmRSS"))
  }

  /// Changes the group with another program, so that the next call reads it again. A call for a volume waits until the
  /// report has ended. `status` waits for two seconds only: a longer report would continue into the next figure.
  private func readAgain(_ round: Int) throws -> Split {
    for attempt in 0..<3 {
      let tag = "bench\(round)-\(attempt)"
      // Before the change: the page of metrics reads a changed group as well.
      let before = try daemon.metrics()
      try Programs.run("lvchange", "--addtag", tag, "\(ScaleSection.group)/pvc-1")
      try daemon.ask("remove", "pvc-none")
      let after = try daemon.metrics()
      // Every 30 s the daemon looks at its groups by itself. It may have come before the call.
      guard after.reports == before.reports + 1 else { continue }
      let library = after.time(ofCommand: "fullreport") - before.time(ofCommand: "fullreport")
      return Split(library: library, own: after.time(ofCalls: "remove") - before.time(ofCalls: "remove") - library)
    }
    throw NotMeasured("three times the daemon did not read a group once for a call after a change")
  }

  private func makeFresh(_ volume: BenchVolume) throws -> Split {
    let before = try daemon.metrics()
    try FlexCalls.mount(volume, ScaleSection.size)
    let after = try daemon.metrics()
    return Split(
      library: after.time(ofCommand: "lvcreate") - before.time(ofCommand: "lvcreate"),
      own: after.ownTimeOfMounts - before.ownTimeOfMounts)
  }

  private func mountKnown(_ volume: BenchVolume) throws -> Duration {
    try FlexCalls.unmount(volume)
    let before = try daemon.metrics()
    try FlexCalls.mount(volume, ScaleSection.size)
    return try daemon.metrics().ownTimeOfMounts - before.ownTimeOfMounts
  }

  // MARK: processes

  private static let tuning = ["--config", "global/use_aio=0"]

  private func create(_ name: String, _ tuning: [String] = []) throws -> Duration {
    try Programs.time {
      try Programs.run(["lvcreate"] + tuning + ["-y", "-Wy", "-Zy", "-n", name, "-L", "8m", ScaleSection.group])
    }
  }

  /// The daemon's own report, in a separate process; see LVMCommand.groupReport.
  private func report(_ tuning: [String] = []) throws -> Duration {
    let columns = [
      "--configreport", "vg", "-o",
      "vg_name,vg_uuid,vg_seqno,vg_extent_size,vg_size,vg_free,vg_mda_size,vg_mda_free,"
        + "vg_permissions,vg_exported,max_lv,lv_count",
      "--configreport", "pv", "-o", "pv_name,pv_uuid,pv_mda_used_count,pv_free,pv_allocatable,pv_missing",
      "--configreport", "lv", "-o", "lv_name,lv_uuid,lv_size,lv_layout,lv_role,pool_lv,lv_time,lv_tags",
      "--configreport", "seg", "-o", "seg_type", "-S", "seg_type=none",
      "--configreport", "pvseg", "-o", "pvseg_start", "-S", "pvseg_size=0",
    ]
    let words = ["lvm", "fullreport", "--reportformat", "json", "--units", "b", "--nosuffix"]
    return try Programs.time { try Programs.run(words + columns + tuning + [ScaleSection.group]) }
  }
}

extension Metrics {
  /// The daemon's own time in mounts: their time without LVM commands and without the phases that format and mount.
  fileprivate var ownTimeOfMounts: Duration {
    let phases = ["probe", "format", "stage", "publish"].map { time(inPhase: $0) }
    return time(ofCalls: "mount") - phases.reduce(.zero, +) - time(ofCommand: "lvcreate")
  }
}

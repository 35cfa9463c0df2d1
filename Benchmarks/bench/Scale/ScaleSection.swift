import LinuxSystem
import StorageModel

/// The cost of a large volume group: the daemon with many other logical volumes, which are metadata only (never
/// activated). LVM always reads and writes the metadata of all volumes. The daemon's own cost must not depend on their
/// number.
struct ScaleSection {
  static let group = "bench-scale"
  static let size = ByteCount.mebibytes(8)

  /// Files: retain_min, and the one that is being written.
  private static let archiveLimit = 65
  /// Limit of the ratio of a known volume's mount with the most to that with the fewest other volumes. Above 1 is
  /// noise.
  private static let growthLimit = 1.25
  /// Limit of the growth of a create's own cost, in percent of LVM's growth. It allows for one copy of the group state
  /// (0.07 us per volume), and for caches that LVM's work has emptied.
  private static let shareLimit = 1.0

  /// Blocks. Returns the exit status.
  func run(disk: String) throws -> Int32 {
    let rounds = try Settings.number("ROUNDS", or: 6)
    let sizes = try numbersOfOthers()
    let report = Report()
    try Files.makeDirectories(DaemonUnderTest.directory, mode: 0o755)
    try Machine.describe(Machine.lvmVersion(), in: report)
    report.line(heading(rounds))
    var results: [SizeFigures] = []
    var (archived, archiveSize) = (0, "")
    for (index, size) in sizes.enumerated() {
      try LargeGroup(disk: disk, volumes: size).make()
      let daemon = try DaemonUnderTest(group: Self.group)
      let figures = try SizeMeasurement(daemon: daemon, others: size, rounds: rounds).measure()
      report.line(figures.row)
      results.append(figures)
      // With the first group, whose changes are fast: 80 changes more than the created volumes.
      if index == 0 { archived = try archive(daemon) }
      archiveSize = try Programs.run("du", "-sk", Self.archives).split(separator: "\t").first.map(String.init) ?? "?"
      try startOver(daemon, disk)
    }
    guard let first = results.first, let last = results.last else { return report.status }
    report.line("\narchives of the daemon take \(archiveSize) KiB with \(last.others) others")
    report.verdict(
      "archived files after \(SizeMeasurement.changes(rounds: rounds) + 80) changes of the first group", archived,
      limit: Self.archiveLimit)
    judge(first, last, report)
    return report.status
  }

  private func numbersOfOthers() throws -> [Int] {
    let words = Settings.words("SIZES", or: ["0", "1000", "5000"])
    let numbers = words.compactMap { Int($0) }.filter { $0 >= 0 }
    guard !numbers.isEmpty, numbers.count == words.count else {
      throw NotMeasured("SIZES is \"\(words.joined(separator: " "))\": numbers were expected")
    }
    return numbers
  }

  private func heading(_ rounds: Int) -> String {
    """

    medians of \(rounds) rounds, in ms; volumes of 8 MiB are created, activated and wiped; a report is that of the daemon's group state
              |------- lvcreate -------||-------- report --------||-- the daemon's own --|  memory
      others  library   forked   no aio  library   forked   no aio   create    known   report     MiB
    """
  }

  private static let archives = DaemonUnderTest.state + "/lvm/archive"

  /// The number of files that the daemon has kept after many changes.
  private func archive(_ daemon: DaemonUnderTest) throws -> Int {
    for _ in 0..<40 {
      try daemon.ask("retain", "pvc-1")
      try daemon.ask("unretain", "pvc-1")
    }
    return try Files.list(Self.archives).count
  }

  /// Removes all state, because the daemon changes nothing in another group of a name that it has served.
  private func startOver(_ daemon: DaemonUnderTest, _ disk: String) throws {
    for mount in try MountTable.current().below(DaemonUnderTest.kubeletRoot) { try Mounting.unmount(mount.mountPoint) }
    try daemon.stop()
    for mount in try MountTable.current().below(DaemonUnderTest.state) { try Mounting.unmount(mount.mountPoint) }
    try Programs.run("vgremove", "-ff", "-y", Self.group)
    try Programs.run("pvremove", "-ff", "-y", disk)
    try Files.removeTree(DaemonUnderTest.state)
  }

  private func judge(_ first: SizeFigures, _ last: SizeFigures, _ report: Report) {
    report.verdict(
      "own cost of a known volume's mount, with \(last.others) against with \(first.others) others (ratio)",
      last.ownLookup, beside: first.ownLookup, limit: Self.growthLimit)
    report.line(
      """
            of a create: \(last.ownCreate.milliseconds) ms against \(first.ownCreate.milliseconds) ms; \
      LVM itself: \(last.create.milliseconds) ms against \(first.create.milliseconds) ms
      """)
    report.verdict(
      "own cost of a create: its growth in % of LVM's growth",
      100 * ((last.ownCreate - first.ownCreate) / (last.create - first.create)), digits: 2, limit: Self.shareLimit)
    report.verdict(
      "lvcreate in the daemon against forked, with \(last.others) others (ratio)", last.create,
      beside: last.forkedCreate,
      limit: 1.0)
  }
}

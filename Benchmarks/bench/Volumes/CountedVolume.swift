/// One new volume between two reads of the daemon's counters.
struct CountedVolume {
  let daemon: DaemonUnderTest
  let report: Report
  let volume: BenchVolume

  private static let phases = ["create", "probe", "format", "stage", "publish"]

  func measure() throws {
    let before = try daemon.metrics()
    let time = try FlexCalls.mount(volume, FreshVolumes.size)
    let after = try daemon.metrics()
    report.line(
      "\nnew volume, counted, with a fresh group state; phases as the daemon measured them (1 run)")
    for phase in Self.phases { report.row(phase, after.time(inPhase: phase) - before.time(inPhase: phase)) }
    report.row("flex call", time)
    let reports = after.reports - before.reports
    report.verdict("LVM commands that change something", after.commands - before.commands - reports, limit: 1)
    report.verdict("LVM reports", reports, limit: 0)
    report.verdict("child processes", after.children - before.children, limit: 1)
  }
}

/// Mounts of an existing, active volume.
struct ExistingVolume {
  let daemon: DaemonUnderTest
  let report: Report
  let volume: BenchVolume
  let rounds: Int

  func measure() throws {
    let before = try daemon.metrics()
    var times: [Duration] = []
    for _ in 0..<rounds {
      try FlexCalls.unmount(volume)
      times.append(try FlexCalls.mount(volume, FreshVolumes.size))
    }
    let after = try daemon.metrics()
    report.line("\nmount of an existing, active volume: \(rounds) times, unmounted before each")
    report.row("flex call mount, median", median(times))
    report.row("of it in the daemon, mean", (after.time(ofCalls: "mount") - before.time(ofCalls: "mount")) / rounds)
    report.verdict("LVM commands in all", after.commands - before.commands, limit: 0)
    report.verdict("child processes in all", after.children - before.children, limit: 0)
  }
}

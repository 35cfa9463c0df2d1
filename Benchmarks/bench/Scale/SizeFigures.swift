/// The medians with one number of other volumes.
struct SizeFigures {
  let others: Int
  /// `lvcreate` by LVM's library in the daemon, by a process, and by a process with use_aio=0.
  let create, forkedCreate, tunedCreate: Duration
  /// The report of the daemon's group state, by the same three.
  let report, forkedReport, tunedReport: Duration
  /// The daemon's own time for a new volume, for a mount of a known one, and for reading the group again.
  let ownCreate, ownLookup, ownReport: Duration
  /// Resident memory in KiB.
  let memory: Int

  var row: String {
    let times = [
      create, forkedCreate, tunedCreate, report, forkedReport, tunedReport, ownCreate, ownLookup, ownReport,
    ]
    let figures = times.map(\.milliseconds) + [(Double(memory) / 1024).fixed(1)]
    return String(others).right(8) + figures.map { $0.right(9) }.joined()
  }
}

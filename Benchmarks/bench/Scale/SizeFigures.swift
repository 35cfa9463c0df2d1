/// The figures beside one number of other volumes; medians.
struct SizeFigures {
  let others: Int
  /// `lvcreate` by LVM's library in the daemon, by a process, and by one that is told not to use aio.
  let create, forkedCreate, tunedCreate: Duration
  /// The same for the report of the daemon's group state.
  let report, forkedReport, tunedReport: Duration
  /// What the daemon itself spends on a fresh volume, on a mount of a known one, and on reading the group again.
  let ownCreate, ownLookup, ownReport: Duration
  /// Resident, KiB.
  let memory: Int

  var row: String {
    let times = [
      create, forkedCreate, tunedCreate, report, forkedReport, tunedReport, ownCreate, ownLookup, ownReport,
    ]
    let figures = times.map(\.milliseconds) + [(Double(memory) / 1024).fixed(1)]
    return String(others).right(8) + figures.map { $0.right(9) }.joined()
  }
}

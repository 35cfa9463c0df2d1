import StorageModel

/// The memory of a daemon with up to 100 volumes.
struct ResidentMemory {
  let daemon: DaemonUnderTest
  let report: Report

  /// MiB with 100 volumes.
  private static let limit = 25.0
  private static let size = ByteCount.mebibytes(8)
  private static let columns = [
    ("resident", "VmRSS"), ("anon", "RssAnon"), ("file", "RssFile"), ("shmem", "RssShmem"), ("peak", "VmHWM"),
    ("threads", "Threads"),
  ]

  func measure() throws {
    report.line("\nmemory of the daemon in KiB; volumes of 8 MiB, ext4, all of them mounted")
    showRow("", Self.columns.map(\.0))
    try show("started")
    try makeVolumes(1...1)
    try show("1 volume")
    try makeVolumes(2...10)
    try show("10 volumes")
    try makeVolumes(11...100)
    try show("100 volumes")
    try judge("resident MiB with 100 volumes")
    try remount(100)
    try show("after 100 more unmounts and mounts")
    try ask(20)
    try show("after 20 status calls and 20 metrics pages")
    try judge("resident MiB at the end")
  }

  private func show(_ text: String) throws {
    let figures = daemon.figures
    showRow(text, try Self.columns.map { "\(try figures.status($0.1))" })
  }

  private func showRow(_ text: String, _ figures: [String]) {
    report.line("  \(text.left(44)) " + figures.map { $0.right(8) }.joined(separator: " "))
  }

  private func judge(_ text: String) throws {
    report.verdict(text, Double(try daemon.figures.status("VmRSS")) / 1024, digits: 2, limit: Self.limit)
  }

  private func volume(_ number: Int) -> BenchVolume { BenchVolume(2000 + number) }

  private func makeVolumes(_ numbers: ClosedRange<Int>) throws {
    for number in numbers { try FlexCalls.mount(volume(number), Self.size) }
  }

  private func remount(_ times: Int) throws {
    for _ in 0..<times {
      try FlexCalls.unmount(volume(1))
      try FlexCalls.mount(volume(1), Self.size)
    }
  }

  /// Makes the requests of an operator and of Prometheus.
  private func ask(_ times: Int) throws {
    for _ in 0..<times {
      try daemon.ask("status")
      _ = try daemon.metrics()
    }
  }
}

/// Prints how pods of each kind start, and compares ours with its target.
struct PodReport {
  let stages: PodStages
  /// The mean time of kubelet's mount calls.
  let mountTime: Duration
  let report: Report

  /// Compared with an existing local volume. Above 1 is noise, because kubelet checks every 300 ms.
  private static let limit = 1.25

  private static let titles: [(PodStages.Stage, String)] = [
    (.chosen, "node chosen for the claim, by the scheduler"),
    (.handed, "claim annotated for us, by the controller-manager"),
    (.written, "PV written, by our provisioner"),
    (.made, "volume created by our daemon, and recorded"),
    (.bound, "claim bound, by the controller-manager"),
    (.assigned, "pod assigned to its node, by the scheduler"),
    (.started, "container started"),
  ]

  func show() {
    row("", BenchPod.Kind.allCases.map(\.rawValue))
    for (stage, title) in Self.titles {
      row(title, BenchPod.Kind.allCases.map { stages.median($0, stage)?.milliseconds ?? "" })
    }
    report.line(
      """
        in the daemon kubelet's call to mount takes \(mountTime.milliseconds) ms on average; kubelet checks whether \
      volumes are mounted every 300 ms
      """)
    let (empty, local, ours) = (time(.emptyDir), time(.local), time(.ours))
    report.line(
      """
        a new volume compared with an emptyDir: \((ours - empty).milliseconds) ms more (ratio \((ours / empty).fixed(2))); \
      a claim for a local volume: \((local - empty).milliseconds) ms more (ratio \((local / empty).fixed(2)))
      """)
    report.verdict(
      "new volume to running container, compared with a local volume (ratio)", ours, beside: local, limit: Self.limit)
  }

  /// Every pod has started: the times are from its log.
  private func time(_ kind: BenchPod.Kind) -> Duration { stages.median(kind, .started) ?? .zero }

  private func row(_ text: String, _ columns: [String]) {
    report.line("  \(text.left(46)) " + columns.map { $0.right(13) }.joined(separator: " "))
  }
}

import CommandLineTool
import LinuxSystem
import RunningPrograms

/// Measures the product against its targets: `bench SECTION...`. See ``usage``.
@main
enum Bench {
  private static let usage = """
    bench SECTION...

    Measures against the targets, in the project's directory. Sections:

      flex-call   the flex client beside a C program that does the same exchanges
      volumes     a fresh volume, a mount, doing nothing, memory; real LVM, in the lab
      scale       the daemon beside thousands of other volumes; real LVM, in the lab
      ownership   giving a volume's files to a group, beside chgrp and chmod; needs root
      cluster     what a cluster pays, on a real Kubernetes 1.20; needs root

    Variables:

      ROUNDS=NUMBER      volumes (12), volumes for each size (scale: 6), runs (ownership: 5), pods (cluster: 12) of each kind
      DURATION=60        volumes: seconds of doing nothing
      SIZES='0 1000'     scale: numbers of other volumes, 0 1000 5000 unless told
      FILES=100000       ownership: files in the tree, 100 to a directory
      SCRATCH=/dev/shm   ownership: where the tree is made
      SECTIONS='claims'  cluster: some of claims, claims-unbounded (without the rate limits of Kubernetes' clients),
                         memory and pods
      CLAIMS=500         cluster: claims
      OBJECTS=10000      cluster: volumes, and as many claims, that the memory is measured beside
      NODES=100          cluster: nodes that they are spread over; those of one node are the daemon's own
      ENGINE=file        cluster: where the volumes of `memory` come from

    Exit status: 0; 1 when a target is missed, after all was measured; 2 when something could not be measured.
    """

  static func main() { Termination.run { await run(OwnProcess.arguments) } }

  @Measuring private static func run(_ words: [String]) async -> Int32 {
    let sections = words.compactMap(Section.init)
    guard !sections.isEmpty, sections.count == words.count else {
      Console.error(usage)
      return 2
    }
    var statuses: [(section: Section, status: Int32)] = []
    for section in sections {
      if sections.count > 1 { Console.print("== \(section.rawValue)") }
      statuses.append((section, await status(of: section)))
      if Termination.isUnderWay { return 2 }
      if sections.count > 1 { Console.print("") }
    }
    let failed = statuses.filter { $0.status != 0 }
    if sections.count > 1, !failed.isEmpty {
      Console.error("failed: " + failed.map(\.section.rawValue).joined(separator: " "))
    }
    return failed.map(\.status).max() ?? 0
  }

  @Measuring private static func status(of section: Section) async -> Int32 {
    do {
      return try await section.run()
    } catch {
      if !Termination.isUnderWay { Console.error("not measured: \(error)") }
      return 2
    }
  }
}

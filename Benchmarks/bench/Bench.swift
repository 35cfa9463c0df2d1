import CommandLineTool
import LinuxSystem
import RunningPrograms

/// Measures the product against its targets: `bench SECTION...`. See ``usage``.
@main
enum Bench {
  private static let usage = """
    bench SECTION...

    Measures against the targets, in the project's directory. Sections:

      flex-call   the flex client, compared with a C program that makes the same exchanges
      volumes     a new volume, a mount, an idle daemon, memory, clones; real LVM, in the lab
      scale       the daemon with thousands of other volumes; real LVM, in the lab
      ownership   the change of a volume's group, compared with chgrp and chmod; needs root
      cluster     the cost for a cluster, on a real Kubernetes 1.20; needs root

    Variables:

      ROUNDS=NUMBER      volumes (12), volumes per size (scale: 6), runs (ownership: 5), pods per kind (cluster: 12)
      DURATION=60        volumes: seconds of the idle daemon
      SIZES='0 1000'     scale: numbers of other volumes, by default 0 1000 5000
      FILES=100000       ownership: files in the tree, 100 per directory
      SCRATCH=/dev/shm   ownership: the directory of the tree
      SECTIONS='claims'  cluster: any of claims, claims-unbounded (without the rate limits of Kubernetes' clients),
                         memory and pods
      CLAIMS=500         cluster: claims
      OBJECTS=10000      cluster: volumes, and as many claims, during the memory measurement
      NODES=100          cluster: nodes of these volumes; the daemon runs on one of the nodes
      ENGINE=file        cluster: the engine of `memory`

    Exit status: 0; 1 if a target is missed, after all measurements; 2 if a measurement failed.
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

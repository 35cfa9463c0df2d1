import Glibc
import LinuxSystem

/// The properties of the machine that the results depend on.
enum Machine {
  /// The processor's name. In a user-mode kernel it is that of the host.
  static let processor: String = {
    if let name = Settings.text("LAB_PROCESSOR") { return name }
    let lines = ((try? Files.readText("/proc/cpuinfo")) ?? "").split(separator: "\n")
    let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":", maxSplits: 1).last
    return name.map { String($0.dropFirst()) } ?? "an unknown processor"
  }()

  /// Prints the line above a section's results, with a warning in a user-mode kernel. Blocks.
  ///
  /// - Parameter software: other measured software, such as `LVM 2.03.16`.
  static func describe(_ software: String, in report: Report) throws {
    report.line("machine: " + [summary, "lab \(Lab.kind ?? "none")", software, day].joined(separator: ", "))
    guard Lab.kind == "uml" else { return }
    report.line(
      "note: one processor, a fork costs \(try forkCost().milliseconds) ms: this exaggerates whatever forks")
  }

  static var summary: String { "\(processor), \(processors) processor(s), Linux \(release)" }
  static var processors: Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }
  static var day: String { String(WallClock.now().description.prefix(10)) }

  static var release: String {
    ((try? Files.readText("/proc/sys/kernel/osrelease")) ?? "").split(separator: "\n").first.map(String.init) ?? "?"
  }

  /// The installed LVM's version.
  static func lvmVersion() throws -> String {
    let lines = try Programs.run("lvm", "version").split(separator: "\n")
    let line = lines.first { $0.contains("LVM version:") }
    guard let version = line?.split(separator: " ").dropFirst(2).first else {
      throw NotMeasured("lvm version does not print the version")
    }
    return "LVM \(version)"
  }

  /// The time to start a program and wait for it.
  private static func forkCost() throws -> Duration {
    let count = 20
    return try Programs.time { for _ in 0..<count { try Programs.run("true") } } / count
  }

  /// The machine's load, from /proc/loadavg.
  static func load() throws -> String {
    let fields = try Files.readText("/proc/loadavg").split(separator: " ")
    return "load of the machine: \(fields[0]) in the last minute, \(fields[1]) in the last five"
  }
}

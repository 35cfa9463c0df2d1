import Glibc
import LinuxSystem
import Testing

/// What the machine lets these tests do. `lab/run` gives what they need anywhere: see lab/README.md.
enum Lab {
  /// Empty disks for the tests alone.
  static let disks = (OwnProcess.environment["LAB_DISKS"] ?? "").split(separator: " ").map(String.init)

  /// Nil where the tests can run, otherwise why they cannot.
  static let obstacle: String? = {
    if geteuid() != 0 { return "needs root" }
    if !Files.exists("/dev/mapper/control") { return "needs a device mapper" }
    if disks.isEmpty { return "needs disks in LAB_DISKS" }
    if Tools.find("lvm") == nil { return "needs LVM" }
    return Products.obstacle
  }()

  static let isThere: Bool = {
    if let obstacle { print("system tests skipped: \(obstacle); `make system-test` runs them in the lab") }
    return obstacle == nil
  }()

  /// Which boot of a series with power cuts this is, see PowerCutTests.
  static let powerStep = OwnProcess.environment["ELASTIC_LOCAL_POWER_STEP"].flatMap { Int($0) }
}

extension Trait where Self == ConditionTrait {
  /// Skips, with the reason, where there is no device mapper or no root.
  static var lab: Self { .enabled(if: Lab.isThere, "\(Comment(rawValue: Lab.obstacle ?? "")); see lab/README.md") }

  /// Skips where a program is missing.
  static func tools(_ names: String...) -> Self {
    let missing = names.filter { Tools.find($0) == nil }
    return .enabled(if: missing.isEmpty, "not installed: \(missing.joined(separator: ", "))")
  }
}

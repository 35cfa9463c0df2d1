import LinuxSystem
import Testing

/// Proof that a device holds exactly one file system, and a sound one.
enum FileSystemProof {
  /// Looks at a device that is mounted nowhere.
  static func expectOne(
    _ fileSystem: String, on device: String, at location: SourceLocation = #_sourceLocation
  ) throws {
    if let flaw = try flaw(of: device, asOne: fileSystem) { Issue.record("\(flaw)", sourceLocation: location) }
  }

  /// What is wrong with it; nil when nothing is.
  static func flaw(of device: String, asOne fileSystem: String) throws -> String? {
    let contents = try DeviceContents.probe(device)
    guard case .fileSystem(fileSystem, _, _) = contents else {
      return "\(device) holds \(contents), not one \(fileSystem)"
    }
    let check: [String] =
      switch fileSystem {
      case "ext4": ["e2fsck", "-fn", device]
      case "xfs": ["xfs_repair", "-n", device]
      default: ["btrfs", "check", "--readonly", device]
      }
    let ended = try attempt(check[0], Array(check.dropFirst()))
    return ended.exitCode == 0 ? nil : ended.output + ended.errors
  }
}

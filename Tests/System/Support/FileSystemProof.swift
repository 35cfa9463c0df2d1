import LinuxSystem
import Testing

/// Proof that a device holds exactly one file system, and a sound one.
enum FileSystemProof {
  /// Looks at a device that is mounted nowhere.
  static func expectOne(
    _ fileSystem: String, on device: String, at location: SourceLocation = #_sourceLocation
  ) throws {
    let contents = try DeviceContents.probe(device)
    guard case .fileSystem(fileSystem, _, _) = contents else {
      Issue.record("\(device) holds \(contents), not one \(fileSystem)", sourceLocation: location)
      return
    }
    let check: [String] =
      switch fileSystem {
      case "ext4": ["e2fsck", "-fn", device]
      case "xfs": ["xfs_repair", "-n", device]
      default: ["btrfs", "check", "--readonly", device]
      }
    let ended = try attempt(check[0], Array(check.dropFirst()))
    #expect(ended.exitCode == 0, "\(ended.output) \(ended.errors)", sourceLocation: location)
  }
}

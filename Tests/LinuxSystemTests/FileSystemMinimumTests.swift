import LinuxSystem
import StorageModel
import Testing

@Suite(
  "Smallest file systems", .enabled(if: Files.exists("/usr/sbin/mkfs.xfs") && Files.exists("/usr/sbin/mkfs.btrfs")))
struct FileSystemMinimumTests {
  /// Returns whether mkfs makes a file system on an image of that size.
  private static func makes(_ kind: String, _ options: [String], _ size: ByteCount) throws -> Bool {
    let image = "/tmp/elastic-local-minimum-\(UInt32.random(in: .min ... .max))"
    defer { try? Files.removeDurably(image) }
    let truncated = try ChildProcess.run(
      "/usr/bin/truncate", ["-s", "\(size.bytes)", image], deadline: .seconds(30))
    try #require(truncated.status == .exited(0))
    let force = kind == "ext4" ? ["-F", "-q"] : ["-f", "-q"]
    let made = try ChildProcess.run("/usr/sbin/mkfs.\(kind)", force + options + [image], deadline: .seconds(60))
    return made.status == .exited(0)
  }

  @Test(
    "mkfs succeeds on a volume of the smallest accepted size and fails on one that is a step smaller",
    arguments: [
      ("xfs", "", 1 << 20), ("btrfs", "", 1 << 20), ("ext4", "-b 4096", 64 << 10), ("btrfs", "--mixed", 8 << 20),
      ("btrfs", "-m single", 7 << 20),
    ] as [(String, String, UInt64)])
  func smallest(kind: String, mkfsOptions: String, step: UInt64) throws {
    let options = try VolumeOptions(["fsType": kind, "mkfsOptions": mkfsOptions])
    let arguments = options.mkfsOptions.arguments
    #expect(try Self.makes(kind, arguments, options.minimumSize))
    #expect(try !Self.makes(kind, arguments, options.minimumSize - ByteCount(step)))
  }
}

import Glibc
import VolumeHost

/// Gives a tree to a group: DIRECTORY GROUP. What run.sh measures.
@main
enum Ownership {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let group = UInt32(arguments[2]) else { exit(2) }
    try await LinuxFiles().setOwnership(of: arguments[1], VolumeOwnership(group: group))
  }
}

internal import LinuxSystem

/// The build that this program is of.
package enum OwnBuild {
  /// The directory of its executables.
  package static let products = above(Files.linkTarget("/proc/self/exe") ?? "./.")
  /// The directory above that: of all executables of this machine, debug and release.
  package static let directory = above(products)

  private static func above(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }
}

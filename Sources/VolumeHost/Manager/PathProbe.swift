internal import LinuxSystem

/// Checks whether something is at a path. Follows links.
enum PathProbe {
  static func exists(_ path: String) -> Bool { Files.exists(path) }
}

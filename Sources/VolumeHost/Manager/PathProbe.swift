internal import LinuxSystem

/// Whether there is something at a path, links followed.
enum PathProbe {
  static func exists(_ path: String) -> Bool { Files.exists(path) }
}

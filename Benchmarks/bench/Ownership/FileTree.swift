import Glibc
import LinuxSystem
import RunningPrograms

/// Many empty files, 100 per directory, and up to 30 top directories.
struct FileTree {
  let path: String

  /// Blocks.
  func make(files: Int) throws {
    for number in 0..<(files / 100) {
      guard !Termination.isUnderWay else { throw NotMeasured("interrupted") }
      let directory = "\(path)/\(number % 30)/\(number)"
      try Files.makeDirectories(directory, mode: 0o755)
      for file in 0..<100 { _ = try Descriptor.open("\(directory)/\(file)", O_WRONLY | O_CREAT, mode: 0o644) }
    }
  }

  /// Resets all groups and modes. Blocks.
  func reset() throws {
    try Programs.run("chgrp", "-R", "0", path)
    try Programs.run("chmod", "-R", "u=rwX,g=rX,o=rX,g-s", path)
  }
}

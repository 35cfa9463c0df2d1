import Glibc
import LinuxSystem
import RunningPrograms

/// Many empty files, 100 to a directory, and up to 30 directories at the top.
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

  /// As if nobody had given it to a group. Blocks.
  func reset() throws {
    try Programs.run("chgrp", "-R", "0", path)
    try Programs.run("chmod", "-R", "u=rwX,g=rX,o=rX,g-s", path)
  }
}

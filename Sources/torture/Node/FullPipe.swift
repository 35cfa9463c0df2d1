import Glibc
import LinuxSystem

/// A full named pipe, fifo(7), that is open for reading but is not read.
final class FullPipe: Sendable {
  private let path: String
  private let reader: Descriptor

  init(path: String) throws {
    self.path = path
    guard mkfifo(path, 0o600) == 0 || errno == EEXIST else {
      throw SystemError(operation: "make pipe", subject: path, errno: .current)
    }
    reader = try Descriptor.open(path, O_RDWR | O_NONBLOCK)
    let number = reader.rawValue
    for size in [65_536, 4096, 1] {
      let bytes = [UInt8](repeating: UInt8(ascii: "\n"), count: size)
      while bytes.withUnsafeBytes({ write(number, $0.baseAddress, $0.count) }) > 0 {}
    }
  }

  /// The command that runs a program with its standard error in the pipe.
  func command(_ executable: String, _ words: [String]) -> (String, [String]) {
    ("/bin/sh", ["-c", "exec \"$0\" \"$@\" 2>\(path)", executable] + words)
  }
}

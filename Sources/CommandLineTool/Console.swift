internal import Glibc

/// Standard output and standard error. Each line is written at once, also into a pipe.
package enum Console {
  /// Writes a line to standard output. Blocks if the reader does not read.
  package static func print(_ text: String) { write(text, to: STDOUT_FILENO) }

  /// Writes a line in one call, so that lines of several threads never mix. Blocks if the reader does not read.
  package static func error(_ text: String) { write(text, to: STDERR_FILENO) }

  package static func exit(_ code: Int32) -> Never { Glibc.exit(code) }

  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array((text + "\n").utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      // Standard output is closed. Only its reader loses the text.
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

/// This machine.
package enum Host {
  /// The host name, gethostname(2).
  package static var name: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

import Glibc

/// What the reader sees.
enum Teller {
  /// A part of the story.
  static func chapter(_ text: String) { say("\n# \(text)") }

  /// A line, at once: also in a pipe.
  static func say(_ text: String) {
    print(text)
    fflush(nil)
  }

  static func complain(_ text: String) {
    fflush(nil)
    let bytes = Array((text + "\n").utf8)
    // Nobody is left to tell when this fails.
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  static func milliseconds(_ duration: Duration) -> String { "\(Int(duration / .milliseconds(1))) ms" }
}

import Glibc

/// What the reader sees, at once: also in a pipe.
enum Console {
  /// lab/run cuts the power at exactly this line.
  static let powerCut = "LAB-POWER-CUT"

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
}

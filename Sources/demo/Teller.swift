import CommandLineTool

/// What the reader sees.
enum Teller {
  /// A part of the story.
  static func chapter(_ text: String) { say("\n# \(text)") }

  /// A line.
  static func say(_ text: String) { Console.print(text) }

  static func milliseconds(_ duration: Duration) -> String { "\(Int(duration / .milliseconds(1))) ms" }
}

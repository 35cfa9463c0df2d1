import CommandLineTool

/// The output for the reader.
enum Teller {
  /// Prints the title of a part of the story.
  static func chapter(_ text: String) { say("\n# \(text)") }

  static func say(_ text: String) { Console.print(text) }

  static func milliseconds(_ duration: Duration) -> String { "\(Int(duration / .milliseconds(1))) ms" }
}

import CommandLineTool

/// The output for the reader.
enum StepPrinter {
  /// Prints the title of a part of the scenario.
  static func title(_ text: String) { print("\n# \(text)") }

  static func print(_ text: String) { Console.print(text) }

  static func milliseconds(_ duration: Duration) -> String { "\(Int(duration / .milliseconds(1))) ms" }
}

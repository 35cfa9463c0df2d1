import CommandLineTool
import LinuxSystem
import StorageModel

/// The output of a section, and the number of missed targets.
final class Report {
  private var missed = 0

  /// The exit status: 1 if a target was missed.
  var status: Int32 { missed > 0 ? 1 : 0 }

  func line(_ text: String) { Console.print(text) }

  /// A time.
  func row(_ text: String, _ time: Duration) { line("  \(text.left(64)) \(time.milliseconds.right(8)) ms") }

  /// Compares a value, as printed, with its upper limit.
  func verdict(_ text: String, _ figure: Double, digits: Int, limit: Double) {
    let shown = figure.fixed(digits)
    // A value that is not a number misses its target.
    let isGood = Double(shown).map { $0 <= limit } ?? false
    if !isGood { missed += 1 }
    let bound = limit == limit.rounded() ? limit.fixed(0) : "\(limit)"
    line("\(isGood ? "PASS" : "FAIL")  \(text.left(66)) \(shown.right(8))  limit \(bound)")
  }

  func verdict(_ text: String, _ count: Int, limit: Int) {
    verdict(text, Double(count), digits: 0, limit: Double(limit))
  }

  /// Compares the ratio of two times with its limit.
  func verdict(_ text: String, _ time: Duration, beside other: Duration, limit: Double) {
    verdict(text, time / other, digits: 2, limit: limit)
  }
}

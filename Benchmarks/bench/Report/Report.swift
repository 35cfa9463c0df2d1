import CommandLineTool
import LinuxSystem
import StorageModel

/// What a section prints, and the targets that it has missed.
final class Report {
  private var missed = 0

  /// The exit status: 1 when a target was missed.
  var status: Int32 { missed > 0 ? 1 : 0 }

  func line(_ text: String) { Console.print(text) }

  /// A time.
  func row(_ text: String, _ time: Duration) { line("  \(text.left(64)) \(time.milliseconds.right(8)) ms") }

  /// A figure that is good up to its limit, as it is printed.
  func verdict(_ text: String, _ figure: Double, digits: Int, limit: Double) {
    let shown = figure.fixed(digits)
    // What is no number is not good.
    let isGood = Double(shown).map { $0 <= limit } ?? false
    if !isGood { missed += 1 }
    let bound = limit == limit.rounded() ? limit.fixed(0) : "\(limit)"
    line("\(isGood ? "PASS" : "FAIL")  \(text.left(66)) \(shown.right(8))  limit \(bound)")
  }

  func verdict(_ text: String, _ count: Int, limit: Int) {
    verdict(text, Double(count), digits: 0, limit: Double(limit))
  }

  /// One time beside another.
  func verdict(_ text: String, _ time: Duration, beside other: Duration, limit: Double) {
    verdict(text, time / other, digits: 2, limit: limit)
  }
}

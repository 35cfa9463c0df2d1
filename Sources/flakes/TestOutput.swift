/// What Swift Testing prints, without colours.
struct TestOutput {
  private let lines: [Substring]

  init(_ text: String) { lines = text.split(separator: "\n") }

  /// The tests that failed, and suites of such.
  var failed: [String] {
    lines.compactMap { line in
      guard line.hasPrefix("✘ Test "), !line.hasPrefix("✘ Test run with "),
        let end = line.ranges(of: " failed after ").last
      else { return nil }
      return withoutCases(line[..<end.lowerBound].dropFirst("✘ Test ".count))
    }
  }

  /// The test that was begun last: where a run did not end by itself, it is to blame.
  var lastStarted: String? {
    let line = lines.last { $0.hasPrefix("◇ Test ") && !$0.hasPrefix("◇ Test run ") && $0.hasSuffix(" started.") }
    return line.map { String($0.dropFirst("◇ Test ".count).dropLast(" started.".count)) }
  }

  /// A test with arguments says with how many it was run.
  private func withoutCases(_ name: Substring) -> String {
    let end = name.ranges(of: " with ").last
    guard let end, name.hasSuffix(" test case") || name.hasSuffix(" test cases") else { return String(name) }
    return String(name[..<end.lowerBound])
  }
}

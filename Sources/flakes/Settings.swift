import Glibc

/// The variables of `flakes`. An empty one counts as none.
struct Settings {
  let hours: Double
  let loops: Int
  /// A pattern for suites.
  let filter: String

  init(_ environment: [String: String]) throws {
    let text = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    guard let hours = Double(text("HOURS") ?? "1"), (0...10_000).contains(hours) else {
      throw Trouble("HOURS is \"\(text("HOURS") ?? "")\": a number was expected")
    }
    let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    guard let loops = Int(text("LOOPS") ?? "\(2 * processors)"), (0...10_000).contains(loops) else {
      throw Trouble("LOOPS is \"\(text("LOOPS") ?? "")\": a whole number was expected")
    }
    (self.hours, self.loops, filter) = (hours, loops, text("FILTER") ?? ".")
  }

  /// What is done so often in an hour, in these hours; rounded up.
  func inTheHours(_ number: Int) -> Int { Int((hours * Double(number)).rounded(.up)) }
}

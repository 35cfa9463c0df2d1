import LinuxSystem

/// The suites that are repeated by themselves: those of the least time, the concurrent ones first, as many as the time allows.
struct QuickSuites {
  /// As in `LinuxSystemTests.ThreadsTests`.
  let suites: [String]

  /// Seconds that they may take together, as measured beside the busy loops: 200 times that is two thirds of an hour.
  private static let limit = 12.0

  /// - Parameter path: what a run of the whole set has written, in the format of JUnit. Blocks.
  init(xunit path: String) throws {
    guard Files.exists(path) else { throw Trouble("the first run came to no end") }
    let times = Self.times(String(decoding: try Files.readAll(path, limit: 1 << 30), as: UTF8.self))
    let concurrent = try ConcurrentSuites.names()
    let sorted = times.sorted { left, right in
      let (first, second) = (concurrent.contains(Self.type(left.key)), concurrent.contains(Self.type(right.key)))
      return first == second ? left.value < right.value : first
    }
    var (sum, suites) = (0.0, [String]())
    for (suite, time) in sorted where sum + time <= Self.limit {
      sum += time
      suites.append(suite)
    }
    guard !suites.isEmpty else { throw Trouble("no suite is quick enough to be repeated by itself") }
    self.suites = suites
  }

  /// What the tests' filter takes.
  var pattern: String { "^(\(suites.map { $0.replacing(".", with: #"\."#) }.joined(separator: "|")))/" }

  /// Without its target's name.
  private static func type(_ suite: String) -> String { String(suite.drop { $0 != "." }.dropFirst()) }

  /// Seconds by suite.
  private static func times(_ xunit: String) -> [String: Double] {
    var times: [String: Double] = [:]
    for element in xunit.split(separator: "<testcase ").dropFirst() {
      guard let suite = attribute("classname", of: element) else { continue }
      times[String(suite), default: 0] += attribute("time", of: element).flatMap { Double($0) } ?? 0
    }
    return times
  }

  private static func attribute(_ name: String, of element: Substring) -> Substring? {
    element.firstRange(of: "\(name)=\"").map { range in element[range.upperBound...].prefix { $0 != "\"" } }
  }
}

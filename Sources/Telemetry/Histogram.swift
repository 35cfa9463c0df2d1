/// A cumulative histogram in Prometheus' form. Values are in seconds.
package struct Histogram: Sendable {
  /// The upper bounds in seconds: from a bind mount (well below 1 ms) to the client's timeout (110 s).
  static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]

  /// The number of values up to each bound.
  package private(set) var counts = [Int](repeating: 0, count: bounds.count)
  /// The number of values.
  package private(set) var count = 0
  /// The sum of the values in seconds.
  package private(set) var sum = 0.0

  package init() {}

  /// Adds a value in seconds.
  package mutating func add(_ seconds: Double) {
    count += 1
    sum += seconds
    for (index, bound) in Self.bounds.enumerated() where seconds <= bound { counts[index] += 1 }
  }
}

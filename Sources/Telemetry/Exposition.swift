/// Writes metrics in Prometheus' text format, version 0.0.4.
package struct Exposition: Sendable {
  private var lines: [String] = []

  package init() {}

  /// The whole text, with a newline at its end.
  package var text: String { lines.joined(separator: "\n") + "\n" }

  /// Adds the samples of a histogram in seconds: buckets, sum and count.
  package mutating func add(_ histogram: Histogram, _ name: String, _ labels: [String: String]) {
    for (bound, count) in zip(Histogram.bounds, histogram.counts) {
      sample(name + "_bucket", labels.merging(["le": "\(bound)"]) { $1 }, Double(count))
    }
    sample(name + "_bucket", labels.merging(["le": "+Inf"]) { $1 }, Double(histogram.count))
    sample(name + "_sum", labels, histogram.sum)
    sample(name + "_count", labels, Double(histogram.count))
  }

  /// Adds what somebody else has written.
  package mutating func add(_ other: Exposition) { lines += other.lines }

  /// Starts a metric family. `type` is `gauge`, `counter` or `histogram`.
  package mutating func family(_ name: String, _ type: String, _ help: String) {
    lines.append("# HELP \(name) \(help)")
    lines.append("# TYPE \(name) \(type)")
  }

  /// Adds a sample without labels.
  package mutating func sample(_ name: String, _ value: Double) { sample(name, [:], value) }

  /// Adds a sample. Whole numbers below 10^15 are written without a fraction.
  package mutating func sample(_ name: String, _ labels: [String: String], _ value: Double) {
    let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
    let text = value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    lines.append(pairs.isEmpty ? "\(name) \(text)" : "\(name){\(pairs.joined(separator: ","))} \(text)")
  }

  private static func escaped(_ value: String) -> String {
    value.reduce(into: "") { result, character in
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
  }
}

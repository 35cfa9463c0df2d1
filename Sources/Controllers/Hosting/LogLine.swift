package import Telemetry

/// A line that a controller logs: a stable message, and the values that it is about.
package struct LogLine: Sendable {
  package var isWarning: Bool
  package var message: String
  package var values: [String: String]

  package init(_ message: String, _ values: [String: String] = [:], isWarning: Bool = false) {
    self.message = message
    self.values = values
    self.isWarning = isWarning
  }
}

extension Log {
  /// Logs a controller's line: a warning, or a notice. Does not block.
  package func write(_ line: LogLine) {
    if line.isWarning { warning(line.message, line.values) } else { notice(line.message, line.values) }
  }
}

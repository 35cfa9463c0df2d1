internal import JSON
package import LinuxSystem
internal import Synchronization

/// The service's log: one line on standard error per state change, with a stable lowercase message and keys. It never
/// contains secrets or values of options.
package struct Log: Sendable {
  /// The form of a line: words and `key=value` pairs, or one JSON object.
  package enum Format: String, Sendable, CaseIterable {
    case text, json
  }

  package enum Level: String, Sendable {
    case info, notice, warning, error
  }

  private let format: Format
  private let node: String
  private let sink: @Sendable (String) -> Void
  private let now: @Sendable () -> Timestamp
  private let countDropped: @Sendable () -> Int

  /// Creates a log that passes each line, without its newline, to `sink`. `dropped` returns how many lines were lost.
  package init(
    format: Format, node: String, now: @escaping @Sendable () -> Timestamp = { WallClock.now() },
    dropped: @escaping @Sendable () -> Int = { 0 }, sink: @escaping @Sendable (String) -> Void
  ) {
    self.format = format
    self.node = node
    self.now = now
    countDropped = dropped
    self.sink = sink
  }

  /// Creates a log on standard error, and the writer to flush at the end. A reader that stops reading blocks no caller.
  ///
  /// - Throws: `EAGAIN` if the writer's thread cannot be started.
  package static func onStandardError(
    format: Format, node: String
  ) throws(SystemError) -> (log: Log, writer: LineWriter) {
    // Only formats the line.
    let form = Log(format: format, node: node) { _ in }
    let writer = try LineWriter { count in
      form.line(.warning, "log lines dropped: standard error was not read", ["count": "\(count)"])
    }
    return (Log(format: format, node: node, dropped: { writer.dropped }) { writer.write($0) }, writer)
  }

  /// How many lines were dropped because nobody read them, for a metric.
  package var dropped: Int { countDropped() }

  /// A log that drops every line.
  package static let silent = Log(format: .text, node: "") { _ in }

  // Each writes a line at once if the sink does, and never fails. Pairs with an empty value are left out.
  package func info(_ message: String, _ values: [String: String] = [:]) { write(.info, message, values) }
  package func notice(_ message: String, _ values: [String: String] = [:]) { write(.notice, message, values) }
  package func warning(_ message: String, _ values: [String: String] = [:]) { write(.warning, message, values) }
  package func error(_ message: String, _ values: [String: String] = [:]) { write(.error, message, values) }

  private func write(_ level: Level, _ message: String, _ values: [String: String]) {
    sink(line(level, message, values))
  }

  private func line(_ level: Level, _ message: String, _ values: [String: String]) -> String {
    switch format {
    case .text: text(level, message, values)
    case .json: json(level, message, values)
    }
  }

  private func text(_ level: Level, _ message: String, _ values: [String: String]) -> String {
    let pairs = values.sorted { $0.key < $1.key }.filter { !$0.value.isEmpty }.map {
      "\($0.key)=\(Self.word($0.value))"
    }
    return ([now().description, level.rawValue, message] + pairs).joined(separator: " ")
  }

  private func json(_ level: Level, _ message: String, _ values: [String: String]) -> String {
    var object = values.filter { !$0.value.isEmpty }
    object["time"] = now().description
    object["level"] = level.rawValue
    object["message"] = message
    object["node"] = node
    return JSONValue.object(object.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }).text
  }

  /// Returns a value as one word. A value with blanks or quotes is quoted; control characters are escaped.
  private static func word(_ value: String) -> String {
    let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    if isPlain { return value }
    var result = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20 || isFurtherControl(scalar.value):
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// Returns whether this is a control character of Unicode outside ASCII or a line separator. Terminals may obey them.
  private static func isFurtherControl(_ value: UInt32) -> Bool {
    (0x7F...0x9F).contains(value) || value == 0x2028 || value == 0x2029
  }
}

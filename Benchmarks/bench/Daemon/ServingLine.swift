/// The log line of a program that serves. The system chooses the port for metrics.
enum ServingLine {
  /// The port in the last such line; nil if there is none.
  static func metricsPort(in log: String) -> UInt16? {
    let line = log.split(separator: "\n").last { $0.contains(" notice serving ") }
    let field = line?.split(separator: " ").last { $0.hasPrefix("metrics=") }
    return field.flatMap { UInt16($0.dropFirst("metrics=".count)) }
  }
}

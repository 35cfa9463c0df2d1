/// The line of a program's log that says that it serves. The port for metrics is the system's choice.
enum ServingLine {
  /// The port in the last such line; nil without one.
  static func metricsPort(in log: String) -> UInt16? {
    let line = log.split(separator: "\n").last { $0.contains(" notice serving ") }
    let field = line?.split(separator: " ").last { $0.hasPrefix("metrics=") }
    return field.flatMap { UInt16($0.dropFirst("metrics=".count)) }
  }
}

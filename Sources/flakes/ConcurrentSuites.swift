import LinuxSystem

/// The suites of files in which something runs beside something else.
enum ConcurrentSuites {
  private static let signs = [
    "TaskGroup", "async let", "Task {", "Task.detached", "NativeThread", "WorkerPool", "eventually(", ".run {",
  ]

  /// The names of their types. Blocks.
  static func names(below directory: String = "Tests") throws -> Set<String> {
    var names: Set<String> = []
    for name in try Files.list(directory) {
      let path = "\(directory)/\(name)"
      if try Files.kind(of: path) == .directory {
        names.formUnion(try Self.names(below: path))
      } else if name.hasSuffix("Tests.swift") {
        let text = try Files.readText(path)
        if signs.contains(where: text.contains) { names.formUnion(types(in: text)) }
      }
    }
    return names
  }

  /// Types at the file's top.
  private static func types(in text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").drop { $0 == "final" }
      guard line.first != " ", words.count > 1, ["struct", "class", "actor"].contains(words.first) else { return nil }
      return words.dropFirst().first.map { String($0.prefix { $0.isLetter }) }
    }
  }
}

import LinuxSystem

/// Why a run cannot continue: a problem of the machine or of this program, not of the product.
struct TortureError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Programs of the operating system.
enum Shell {
  private static let pool = WorkerPool(name: "shell", limit: 8)

  /// Runs a program that must succeed, and returns its output.
  @discardableResult
  static func run(_ name: String, _ words: [String]) async throws -> String {
    let result = try await attempt(name, words)
    guard result.isSuccess else {
      throw TortureError("\(name) \(words.joined(separator: " ")): \(result.status), \(result.output)")
    }
    return result.output
  }

  @discardableResult
  static func run(_ name: String, _ words: String...) async throws -> String { try await run(name, words) }

  /// Runs a program that may fail.
  static func attempt(_ name: String, _ words: [String]) async throws -> ChildResult {
    // Not the stand-ins of this run.
    guard let path = Tools.directories.dropFirst(2).map({ "\($0)/\(name)" }).first(where: { Files.exists($0) }) else {
      throw TortureError("\(name) is not installed")
    }
    let environment = OwnProcess.environment.map { "\($0.key)=\($0.value)" }
    return try await pool.run { () throws(SystemError) in
      try ChildProcess.run(path, words, environment: environment, deadline: .seconds(120))
    }
  }
}

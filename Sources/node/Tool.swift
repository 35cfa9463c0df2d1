import CommandLineTool
import NodeService
import StorageModel

/// The subcommands.
enum Tool {
  static func run(_ arguments: [String], environment: [String: String]) async throws(VolumeError) -> Int32 {
    let command = arguments.first ?? "help"
    let words = Array(arguments.dropFirst())
    switch command {
    case "serve": return try await ServeCommand.run(try Configuration(words, environment: environment))
    case "status": return try StatusCommand.run(words, environment: environment)
    case "remove", "retain", "unretain": return try AdminCommand.run(command, words, environment: environment)
    case "step-points":
      for point in StepPoint.allCases { Console.print(point.rawValue) }
      return 0
    case "version", "--version":
      Console.print("elastic-local-node \(ProductNames.release)")
      return 0
    case "help", "--help", "-h":
      Console.print(Usage.text)
      return 0
    default:
      throw VolumeError(.invalid, "unknown command \(quoted(command)); try elastic-local-node help")
    }
  }
}

import CommandLineTool
import Controllers
import StorageModel

/// The subcommands.
enum Tool {
  static func run(_ arguments: [String], environment: [String: String]) async throws(VolumeError) -> Int32 {
    let command = arguments.first ?? "help"
    let words = Array(arguments.dropFirst())
    switch command {
    case "serve": return try await ServeCommand.run(try Configuration(words, environment: environment))
    case "directory": return try DirectoryCommand.run(words)
    case "version", "--version":
      Console.print("elastic-local-provisioner \(ProductNames.release)")
      return 0
    case "help", "--help", "-h":
      Console.print(usage)
      return 0
    default:
      throw VolumeError(.invalid, "unknown command \(quoted(command)); try elastic-local-provisioner help")
    }
  }

  private static var usage: String {
    """
    elastic-local-provisioner: gives the claims of a cluster their node-local volumes

    usage:
      elastic-local-provisioner serve [options]   work while this one leads, until SIGTERM
      elastic-local-provisioner directory named NAME | bind PATH | anonymous SERVICE TARGET
                                                  print the directory of a volume within a namespace's volume
      elastic-local-provisioner version | help

    options of serve (flag, or environment variable):
    \((ProvisionerSetting.allCases.map(\.usage) + APISetting.allCases.map(\.usage)).joined(separator: "\n"))

    In a pod it finds the API server by its service account; elsewhere it wants --kubeconfig or --server.
    """
  }
}

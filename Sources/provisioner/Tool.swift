import CommandLineTool
import Controllers
import StorageModel

/// The subcommands.
enum Tool {
  /// Runs a subcommand and returns the exit status.
  ///
  /// - Throws: `invalid` for unknown words and for wrong settings; otherwise why the subcommand failed.
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
      throw VolumeError(.invalid, "unknown command \(quoted(command)); see elastic-local-provisioner help")
    }
  }

  private static var usage: String {
    """
    elastic-local-provisioner: provisions claims with node-local volumes

    usage:
      elastic-local-provisioner serve [options]   take part in the election and provision, until SIGTERM
      elastic-local-provisioner directory named NAME | bind PATH | anonymous SERVICE TARGET
                                                  print the directory of one use in a namespace's volume
      elastic-local-provisioner version | help

    options of serve (flag, or environment variable):
    \((ProvisionerSetting.allCases.map(\.usage) + APISetting.allCases.map(\.usage)).joined(separator: "\n"))

    In a pod, the provisioner uses the service account to reach the API server. Elsewhere, set --kubeconfig or --server.
    """
  }
}

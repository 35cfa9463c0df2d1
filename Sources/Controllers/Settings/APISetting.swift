package import CommandLineTool
package import KubernetesAPI
package import StorageModel

/// The settings for the API server's address and the program's credentials. All programs have the same.
package enum APISetting: String, Setting {
  case kubeconfig
  case server
  case authority = "certificate-authority"
  case tokenFile = "token-file"
  case certificate = "client-certificate"
  case key = "client-key"

  package var standard: String? { nil }

  package var valueName: String { self == .server ? "URL" : "PATH" }

  package var help: String {
    switch self {
    case .kubeconfig: "connection and credentials, as JSON (kubectl config view --raw --flatten -o json)"
    case .server: "address of the API server, https://HOST:PORT"
    case .authority: "file with the certificates of the authorities that may have issued the server's certificate"
    case .tokenFile: "file with a bearer token; read again when it changes"
    case .certificate: "file with a client certificate"
    case .key: "file with the client certificate's key"
    }
  }
}

extension SettingValues<APISetting> {
  private var flags: ConnectionConfiguration.Flags {
    ConnectionConfiguration.Flags(
      kubeconfig: self[.kubeconfig], server: self[.server], authority: self[.authority], tokenFile: self[.tokenFile],
      certificate: self[.certificate], key: self[.key])
  }

  /// Whether a setting, or the environment of a pod, names an API server.
  package func namesServer(environment: [String: String]) -> Bool {
    flags.namesServer || environment["KUBERNETES_SERVICE_HOST"] != nil
  }

  /// The connection that the settings describe. Blocks while it reads files.
  ///
  /// - Throws: ``VolumeError/Code/invalid`` with the setting that is missing, or those that contradict each other.
  package func connection(environment: [String: String]) throws(VolumeError) -> ConnectionConfiguration {
    do throws(TransportError) {
      return try ConnectionConfiguration(flags, environment: environment)
    } catch {
      throw VolumeError(.invalid, "API server: \(error.message)", cause: error)
    }
  }
}

extension ConnectionConfiguration {
  /// The values of a program's flags for the API server. All are nil in a pod.
  package struct Flags: Sendable {
    package var kubeconfig: String?
    package var server: String?
    package var authority: String?
    package var tokenFile: String?
    package var certificate: String?
    package var key: String?

    package init(
      kubeconfig: String? = nil, server: String? = nil, authority: String? = nil, tokenFile: String? = nil,
      certificate: String? = nil, key: String? = nil
    ) {
      self.kubeconfig = kubeconfig
      self.server = server
      self.authority = authority
      self.tokenFile = tokenFile
      self.certificate = certificate
      self.key = key
    }

    /// Whether a flag names a server, directly or by a kubeconfig.
    package var namesServer: Bool { kubeconfig != nil || server != nil }
  }

  /// Takes a kubeconfig, or a server with its credentials, or the service account of the pod. Blocks while it reads
  /// files.
  ///
  /// - Throws: ``TransportError/Kind/credentials`` if flags contradict each other or nothing names a server.
  package init(_ flags: Flags, environment: [String: String]) throws(TransportError) {
    if let path = flags.kubeconfig {
      guard flags.server == nil, flags.hasNoCredentials else {
        throw TransportError(.credentials, "a kubeconfig has server and credentials: give no other flag for them")
      }
      self = try .kubeconfig(path)
    } else if let server = flags.server {
      self.init(
        server: server, authority: flags.authority.map(Source.file), certificate: flags.certificate.map(Source.file),
        key: flags.key.map(Source.file), token: flags.tokenFile.map(Source.file))
    } else {
      guard flags.hasNoCredentials else {
        throw TransportError(.credentials, "credentials are given, but no server: give --server as well")
      }
      self = try .inCluster(environment: environment)
    }
  }
}

extension ConnectionConfiguration.Flags {
  fileprivate var hasNoCredentials: Bool { authority == nil && tokenFile == nil && certificate == nil && key == nil }
}

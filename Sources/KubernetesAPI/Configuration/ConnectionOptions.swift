/// What an operator may say about the API server. Nothing at all means: we are a pod with a service account.
package struct ConnectionOptions: Sendable, Hashable {
  /// `--kubeconfig`, a file in JSON form.
  package var kubeconfig: String?
  /// `--context` of the kubeconfig instead of the current one.
  package var context: String?
  /// `--api-server`, `https://HOST:PORT`.
  package var server: String?
  /// `--ca-file`, PEM.
  package var authorityFile: String?
  /// `--token-file`, read for each request.
  package var tokenFile: String?
  /// `--client-certificate` and `--client-key`, PEM.
  package var certificateFile: String?
  package var keyFile: String?

  package init() {}

  /// Whom to talk to and how: the kubeconfig, the server or the pod's service account, in this order; a file that is
  /// named goes before what the kubeconfig says. Blocks for reading the kubeconfig.
  ///
  /// - Throws: ``TransportError/Kind/credentials`` saying what is missing.
  package func settings(environment: [String: String]) throws(TransportError) -> ConnectionSettings {
    var settings: ConnectionSettings
    if let kubeconfig {
      settings = try .kubeconfig(kubeconfig, context: context)
      if let server { settings = settings.moved(to: server) }
    } else if let server {
      settings = ConnectionSettings(server: server)
    } else {
      settings = try .inCluster(environment: environment)
    }
    if let authorityFile { settings.authority = .file(authorityFile) }
    if let tokenFile { settings.token = .file(tokenFile) }
    if let certificateFile { settings.certificate = .file(certificateFile) }
    if let keyFile { settings.key = .file(keyFile) }
    try settings.validate()
    return settings
  }
}

extension ConnectionSettings {
  fileprivate func moved(to server: String) -> ConnectionSettings {
    ConnectionSettings(
      server: server, authority: authority, certificate: certificate, key: key, token: token, userAgent: userAgent)
  }
}

internal import LinuxSystem

extension ConnectionConfiguration {
  /// The directory in which kubelet mounts a pod's service account.
  package static let serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

  /// The connection of a pod: the address from its environment, token and certificate authority from files that kubelet
  /// renews. Blocks while it reads files.
  ///
  /// - Throws: ``TransportError/Kind/credentials`` outside of a pod with a service account.
  package static func inCluster(
    environment: [String: String], directory: String = serviceAccountDirectory
  ) throws(TransportError) -> ConnectionConfiguration {
    guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
      let port = environment["KUBERNETES_SERVICE_PORT"], UInt16(port) != nil
    else {
      throw TransportError(
        .credentials,
        "not in a pod (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set): "
          + "give a kubeconfig, or server, certificate authority and token")
    }
    let (token, authority) = ("\(directory)/token", "\(directory)/ca.crt")
    for path in [token, authority] where !Files.exists(path) {
      throw TransportError(
        .credentials, "no service account: \(path) is missing. Is automountServiceAccountToken off for this pod?")
    }
    return ConnectionConfiguration(
      server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)", authority: .file(authority),
      token: .file(token))
  }
}

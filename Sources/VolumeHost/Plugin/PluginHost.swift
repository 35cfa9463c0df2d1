/// The node that plugins run on.
public struct PluginHost: Sendable {
  /// The Kubernetes release of the node.
  public let version: KubernetesVersion
  /// The kubelet's directories.
  public let paths: HostPaths
  /// The node's name.
  public let node: String
  /// The node's labels, for PVs that require some.
  public let nodeLabels: [String: String]
  /// The node's file system.
  public let files: any HostFiles
  /// The node's clock.
  public let time: any TimeSource
  /// The source of secrets.
  public let secrets: any SecretSource

  /// Creates a node from its parts.
  public init(
    version: KubernetesVersion = .newest, paths: HostPaths = HostPaths(), node: String = "node1",
    nodeLabels: [String: String] = [:], files: any HostFiles, time: any TimeSource,
    secrets: any SecretSource = NoSecrets()
  ) {
    self.version = version
    self.paths = paths
    self.node = node
    self.nodeLabels = nodeLabels
    self.files = files
    self.time = time
    self.secrets = secrets
  }

  /// Returns what is at a path, by the rules of the node's version.
  func state(of path: String) async throws(HostError) -> DirectoryState {
    try await files.state(of: path, recognisingBinds: version.recognisesBindMounts)
  }
}

/// A source of secrets.
public protocol SecretSource: Sendable {
  /// Returns a secret. Nil if there is none of that name.
  func secret(_ name: String, namespace: String) async -> Secret?
}

/// A source without secrets.
public struct NoSecrets: SecretSource {
  /// Creates the source.
  public init() {}
  /// Always returns nil.
  public func secret(_ name: String, namespace: String) async -> Secret? { nil }
}

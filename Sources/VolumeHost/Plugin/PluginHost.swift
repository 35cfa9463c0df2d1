/// What plugins need of the node that they run on.
public struct PluginHost: Sendable {
  /// The release that is played.
  public let version: KubernetesVersion
  /// The kubelet's directories.
  public let paths: HostPaths
  /// The node's name.
  public let node: String
  /// Its labels, for PVs that demand some.
  public let nodeLabels: [String: String]
  /// Its file system.
  public let files: any HostFiles
  /// Its time.
  public let time: any TimeSource
  /// Where secrets come from.
  public let secrets: any SecretSource

  /// A node from its parts.
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

  /// What is at a path, as this version looks at it.
  func state(of path: String) async throws(HostError) -> DirectoryState {
    try await files.state(of: path, recognisingBinds: version.recognisesBindMounts)
  }
}

/// Where secrets come from.
public protocol SecretSource: Sendable {
  /// A secret; nil when there is none of that name.
  func secret(_ name: String, namespace: String) async -> Secret?
}

/// A place without secrets.
public struct NoSecrets: SecretSource {
  /// Nothing to set up.
  public init() {}
  /// Always nil.
  public func secret(_ name: String, namespace: String) async -> Secret? { nil }
}

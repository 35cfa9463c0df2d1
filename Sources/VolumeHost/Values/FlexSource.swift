/// A FlexVolume source of a pod's own volume (`FlexVolumeSource`) or of a PV (`FlexPersistentVolumeSource`).
public struct FlexSource: Hashable, Sendable {
  /// `vendor/driver`.
  public var driver: String
  /// The requested file system. Empty if the source has none.
  public var fsType: String
  /// Whether the source says read-only. Ignored for a PV, see `VolumeSpec.isReadOnly`.
  public var readOnly: Bool
  /// The user's options for the driver.
  public var options: [String: String]
  /// The secret whose values are passed to `mount`.
  public var secret: SecretReference?

  /// Creates a source from its parts.
  public init(
    driver: String, fsType: String = "", readOnly: Bool = false, options: [String: String] = [:],
    secret: SecretReference? = nil
  ) {
    self.driver = driver
    self.fsType = fsType
    self.readOnly = readOnly
    self.options = options
    self.secret = secret
  }

  /// The option keys that the API server rejects, sorted. These are the keys whose part before the slash, or whose
  /// whole text, is `kubernetes.io`, `k8s.io` or a subdomain of these, in any case.
  public var reservedOptionKeys: [String] { options.keys.filter(Self.isReserved).sorted() }

  private static func isReserved(_ key: String) -> Bool {
    let domain = key.split(separator: "/", omittingEmptySubsequences: false).first?.lowercased() ?? ""
    return ["kubernetes.io", "k8s.io"].contains { domain == $0 || domain.hasSuffix(".\($0)") }
  }
}

/// The reference to a secret in a source.
public struct SecretReference: Hashable, Sendable {
  /// The secret's name.
  public var name: String
  /// The namespace of the secret. Only a PV's source has one; nil is the pod's namespace.
  public var namespace: String?

  /// Creates a reference from its parts.
  public init(name: String, namespace: String? = nil) {
    self.name = name
    self.namespace = namespace
  }
}

/// A secret as a driver sees it.
public struct Secret: Hashable, Sendable {
  /// The type. It must be the driver's name.
  public var type: String
  /// The values, not encoded.
  public var data: [String: [UInt8]]

  /// Creates a secret from its parts.
  public init(type: String, data: [String: [UInt8]]) {
    self.type = type
    self.data = data
  }
}

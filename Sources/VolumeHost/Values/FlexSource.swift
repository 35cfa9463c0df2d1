/// A FlexVolume source: of a pod's own volume (`FlexVolumeSource`) or of a PV (`FlexPersistentVolumeSource`).
public struct FlexSource: Hashable, Sendable {
  /// `vendor/driver`.
  public var driver: String
  /// The file system asked for; empty when the source has none.
  public var fsType: String
  /// Whether the source says read-only. A PV's counts for nothing: see `VolumeSpec.isReadOnly`.
  public var readOnly: Bool
  /// What the user wants the driver to know.
  public var options: [String: String]
  /// The secret whose values `mount` is given.
  public var secret: SecretReference?

  /// A source from its parts.
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

  /// The option keys that the API server refuses, sorted: those whose part before the slash, or the whole key, is
  /// `kubernetes.io`, `k8s.io` or a subdomain of one of them, in any case.
  public var reservedOptionKeys: [String] { options.keys.filter(Self.isReserved).sorted() }

  private static func isReserved(_ key: String) -> Bool {
    let domain = key.split(separator: "/", omittingEmptySubsequences: false).first?.lowercased() ?? ""
    return ["kubernetes.io", "k8s.io"].contains { domain == $0 || domain.hasSuffix(".\($0)") }
  }
}

/// Which secret a source names.
public struct SecretReference: Hashable, Sendable {
  /// The secret's name.
  public var name: String
  /// Its namespace: only a PV's source has one; nil is the pod's.
  public var namespace: String?

  /// A reference from its parts.
  public init(name: String, namespace: String? = nil) {
    self.name = name
    self.namespace = namespace
  }
}

/// A secret as far as a driver sees it.
public struct Secret: Hashable, Sendable {
  /// Must be the driver's name.
  public var type: String
  /// The values, not encoded.
  public var data: [String: [UInt8]]

  /// A secret from its parts.
  public init(type: String, data: [String: [UInt8]]) {
    self.type = type
    self.data = data
  }
}

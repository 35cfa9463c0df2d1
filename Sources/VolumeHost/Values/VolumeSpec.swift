/// The description of a volume for a plugin: a pod's own volume, or a PV used through a pod's claim.
public struct VolumeSpec: Hashable, Sendable {
  /// The object that contains the source.
  public enum Origin: Hashable, Sendable {
    /// The pod.
    case inline
    /// A PV. The pod's `persistentVolumeClaim.readOnly` decides whether it is read-only.
    case persistent(claimReadOnly: Bool)
  }

  /// The name of the PV, or of the volume in the pod.
  public var name: String
  /// The FlexVolume source.
  public var source: FlexSource
  /// The object that contains the source.
  public var origin: Origin
  /// The PV's own mount options, which FlexVolume does not support.
  public var mountOptions: [String]
  /// The sizes of the PV and of its claim's status. They differ while the file system still has to grow. Nil for inline
  /// volumes.
  public var sizes: Sizes?
  /// The labels that the PV requires of its node. All must match.
  public var requiredNodeLabels: [String: String]

  /// How pods use the volume. An inline volume, and a PV without a mode, is used as a file system.
  public var mode = Mode.fileSystem

  /// `PV.spec.volumeMode`.
  public enum Mode: String, Hashable, Sendable {
    /// As a mounted file system.
    case fileSystem = "Filesystem"
    /// As a device. FlexVolume does not support it: the pod waits forever.
    case block = "Block"
  }

  /// The sizes of a volume in bytes, in its PV and in its claim's status.
  public struct Sizes: Hashable, Sendable {
    /// `PV.spec.capacity`.
    public var volume: Int64
    /// `PVC.status.capacity`.
    public var claim: Int64

    /// Creates sizes in bytes.
    public init(volume: Int64, claim: Int64) {
      self.volume = volume
      self.claim = claim
    }
  }

  /// Returns a volume that the pod itself describes.
  public static func inline(_ name: String, _ source: FlexSource) -> VolumeSpec {
    VolumeSpec(name: name, source: source, origin: .inline)
  }

  /// Returns a PV used through a pod's claim.
  public static func persistent(
    _ name: String, _ source: FlexSource, claimReadOnly: Bool = false, sizes: Sizes? = nil
  ) -> VolumeSpec {
    VolumeSpec(name: name, source: source, origin: .persistent(claimReadOnly: claimReadOnly), sizes: sizes)
  }

  /// Creates a volume from its parts.
  public init(
    name: String, source: FlexSource, origin: Origin, mountOptions: [String] = [], sizes: Sizes? = nil,
    requiredNodeLabels: [String: String] = [:]
  ) {
    self.name = name
    self.source = source
    self.origin = origin
    self.mountOptions = mountOptions
    self.sizes = sizes
    self.requiredNodeLabels = requiredNodeLabels
  }

  /// Whether the volume is a PV.
  public var isPersistent: Bool { origin != .inline }

  /// Whether the driver is asked for `ro`. For an inline volume the source's `readOnly` decides. For a PV only the
  /// pod's claim decides, whatever the PV's source says.
  public var isReadOnly: Bool {
    switch origin {
    case .inline: source.readOnly
    case .persistent(let claimReadOnly): claimReadOnly
    }
  }
}

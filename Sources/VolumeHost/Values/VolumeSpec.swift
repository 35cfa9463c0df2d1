/// What a plugin is told about a volume: a pod's own volume, or a PV as a pod's claim uses it.
public struct VolumeSpec: Hashable, Sendable {
  /// Where the source is written.
  public enum Origin: Hashable, Sendable {
    /// In the pod.
    case inline
    /// In a PV; what the pod's `persistentVolumeClaim.readOnly` says decides about reading only.
    case persistent(claimReadOnly: Bool)
  }

  /// The PV's name, or the volume's in the pod.
  public var name: String
  /// The FlexVolume source.
  public var source: FlexSource
  /// Where it is written.
  public var origin: Origin
  /// The PV's own mount options, which FlexVolume does not support.
  public var mountOptions: [String]
  /// The PV's size, and the size that its claim says it has by now, in bytes: different while the file system still has to
  /// grow. Nil for inline volumes.
  public var sizes: Sizes?
  /// Labels that the PV demands of its node; all must be there.
  public var requiredNodeLabels: [String: String]

  /// How pods use it. Of an inline volume and of a PV without a mode it is as a file system.
  public var mode = Mode.fileSystem

  /// `PV.spec.volumeMode`.
  public enum Mode: String, Hashable, Sendable {
    /// Mounted.
    case fileSystem = "Filesystem"
    /// As a device. No FlexVolume can be used so: its pod waits for ever.
    case block = "Block"
  }

  /// A volume's size as its PV and as its claim's status have it.
  public struct Sizes: Hashable, Sendable {
    /// `PV.spec.capacity`.
    public var volume: Int64
    /// `PVC.status.capacity`.
    public var claim: Int64

    /// Both sizes in bytes.
    public init(volume: Int64, claim: Int64) {
      self.volume = volume
      self.claim = claim
    }
  }

  /// A volume that the pod itself describes.
  public static func inline(_ name: String, _ source: FlexSource) -> VolumeSpec {
    VolumeSpec(name: name, source: source, origin: .inline)
  }

  /// A PV as a pod's claim uses it.
  public static func persistent(
    _ name: String, _ source: FlexSource, claimReadOnly: Bool = false, sizes: Sizes? = nil
  ) -> VolumeSpec {
    VolumeSpec(name: name, source: source, origin: .persistent(claimReadOnly: claimReadOnly), sizes: sizes)
  }

  /// A volume from its parts.
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

  /// Whether it comes from a PV.
  public var isPersistent: Bool { origin != .inline }

  /// Whether the driver is asked for `ro`: an inline source's `readOnly`; for a PV only the pod's claim, whatever the PV's
  /// own source says.
  public var isReadOnly: Bool {
    switch origin {
    case .inline: source.readOnly
    case .persistent(let claimReadOnly): claimReadOnly
    }
  }
}

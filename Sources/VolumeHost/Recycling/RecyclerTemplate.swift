/// The pod that wipes a volume for its next use, as in the former `Recycle` policy.
public struct RecyclerTemplate: Hashable, Sendable {
  /// A volume of the pod. The plugin sets its source.
  public struct PodVolume: Hashable, Sendable {
    /// The volume's name in the pod.
    public var name: String
    /// The volume to wipe. Nil until a plugin sets it.
    public var source: VolumeSpec?

    /// Creates a volume from its parts.
    public init(name: String, source: VolumeSpec? = nil) {
      self.name = name
      self.source = source
    }
  }

  /// The pod's namespace.
  public var namespace = "default"
  /// The container image.
  public var image = "registry.k8s.io/busybox:1.27"
  /// The command. It removes everything below /scrub, including files that begin with a dot, and fails if something is
  /// left.
  public var command = [
    "/bin/sh", "-c",
    "test -e /scrub && find /scrub -mindepth 1 -delete && test -z \"$(ls -A /scrub)\" || exit 1",
  ]
  /// The pod's volumes. The first one is wiped.
  public var volumes = [PodVolume(name: "vol")]
  /// The time after which the pod is ended.
  public var deadline = Duration.seconds(60)

  /// Creates the default template.
  public init() {}

  /// Checks the template. Throws `.final` if it has no volume, because it would wipe nothing.
  public func validate() throws(VolumeFailure) {
    if volumes.isEmpty { throw .final("does not contain any volumes") }
  }

  /// Returns the pod for one volume of `bytes`. Its name is unique per PV and its deadline depends on the size.
  ///
  /// - Throws: `.final` if the template has no volume.
  public func pod(for spec: VolumeSpec, bytes: Int64, timeouts: RecyclerTimeouts) throws(VolumeFailure) -> RecyclerPod {
    try validate()
    var template = self
    template.volumes[0].source = spec
    template.deadline = timeouts.deadline(bytes: bytes)
    return RecyclerPod(name: "recycler-for-\(spec.name)", template: template)
  }
}

/// How long a wipe may take.
public struct RecyclerTimeouts: Hashable, Sendable {
  /// The minimum time.
  public var minimum: Duration
  /// The additional time for each GiB, rounded up.
  public var perGibibyte: Duration

  /// Creates times from their parts.
  public init(minimum: Duration = .seconds(30), perGibibyte: Duration = .seconds(30)) {
    self.minimum = minimum
    self.perGibibyte = perGibibyte
  }

  /// Returns the deadline for a size in bytes. With the defaults, 5 GiB have 30 s + 5 × 30 s = 180 s.
  public func deadline(bytes: Int64) -> Duration {
    let (whole, rest) = max(bytes, 0).quotientAndRemainder(dividingBy: 1 << 30)
    return minimum + perGibibyte * Int(whole + (rest > 0 ? 1 : 0))
  }
}

/// A pod that wipes one volume.
public struct RecyclerPod: Hashable, Sendable {
  /// `recycler-for-<pv>`.
  public let name: String
  /// The rest of the pod.
  public let template: RecyclerTemplate
}

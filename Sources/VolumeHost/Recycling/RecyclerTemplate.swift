/// The pod that wipes a volume for its next user, as the `Recycle` policy of old had it.
public struct RecyclerTemplate: Hashable, Sendable {
  /// A volume of the pod: a source is set by the plugin.
  public struct PodVolume: Hashable, Sendable {
    /// Its name in the pod.
    public var name: String
    /// The volume that is wiped; nil until a plugin says which.
    public var source: VolumeSpec?

    /// A volume from its parts.
    public init(name: String, source: VolumeSpec? = nil) {
      self.name = name
      self.source = source
    }
  }

  /// The pod's namespace.
  public var namespace = "default"
  /// The image.
  public var image = "registry.k8s.io/busybox:1.27"
  /// What it runs: removes everything below /scrub, files with a dot included, and fails when something stays.
  public var command = [
    "/bin/sh", "-c",
    "test -e /scrub && find /scrub -mindepth 1 -delete && test -z \"$(ls -A /scrub)\" || exit 1",
  ]
  /// Its volumes.
  public var volumes = [PodVolume(name: "vol")]
  /// After that time the pod is ended.
  public var deadline = Duration.seconds(60)

  /// The usual template.
  public init() {}

  /// A template without a volume wipes nothing and is refused.
  public func validate() throws(VolumeFailure) {
    if volumes.isEmpty { throw .final("does not contain any volumes") }
  }

  /// The pod for one volume: its name, unique per PV, and the time that its size deserves.
  public func pod(for spec: VolumeSpec, bytes: Int64, timeouts: RecyclerTimeouts) throws(VolumeFailure) -> RecyclerPod {
    try validate()
    var template = self
    template.volumes[0].source = spec
    template.deadline = timeouts.deadline(bytes: bytes)
    return RecyclerPod(name: "recycler-for-\(spec.name)", template: template)
  }
}

/// How long wiping may take.
public struct RecyclerTimeouts: Hashable, Sendable {
  /// At least this long.
  public var minimum: Duration
  /// And this much more for each GiB begun.
  public var perGibibyte: Duration

  /// Times from their parts.
  public init(minimum: Duration = .seconds(30), perGibibyte: Duration = .seconds(30)) {
    self.minimum = minimum
    self.perGibibyte = perGibibyte
  }

  /// The deadline for a size: 5 GiB at 30 s each and 30 s are 180 s.
  public func deadline(bytes: Int64) -> Duration {
    let (whole, rest) = max(bytes, 0).quotientAndRemainder(dividingBy: 1 << 30)
    return minimum + perGibibyte * Int(whole + (rest > 0 ? 1 : 0))
  }
}

/// A pod that wipes one volume.
public struct RecyclerPod: Hashable, Sendable {
  /// `recycler-for-<pv>`.
  public let name: String
  /// Everything else.
  public let template: RecyclerTemplate
}

/// What a driver says about itself in its answer to `init`.
public struct DriverCapabilities: Hashable, Sendable {
  /// Whether attach and its companions are sent, or only mount and unmount.
  public var attach = true
  /// Whether files may be relabelled for SELinux.
  public var selinuxRelabel = true
  /// Whether the mounted directory's figures are reported.
  public var supportsMetrics = false
  /// Whether the pod's group is put on the files.
  public var fsGroup = true
  /// Whether `expandfs` is sent.
  public var requiresFSResize = true

  /// What counts when a driver says nothing.
  public init() {}
}

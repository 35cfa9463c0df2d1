/// The capabilities in a driver's answer to `init`.
public struct DriverCapabilities: Hashable, Sendable {
  /// Whether attach and the related commands are called, or only mount and unmount.
  public var attach = true
  /// Whether files may be relabelled for SELinux.
  public var selinuxRelabel = true
  /// Whether the figures of the mounted directory are reported.
  public var supportsMetrics = false
  /// Whether the files get the pod's group.
  public var fsGroup = true
  /// Whether `expandfs` is called.
  public var requiresFSResize = true

  /// Creates the defaults, for a driver that says nothing.
  public init() {}
}

/// How the host of volumes behaves: what differs between kubelets.
public struct HostBehaviour: Sendable {
  /// Whether the controller-manager attaches volumes, as usual, or the kubelet itself.
  public var controllerAttaches = true
  /// The delay until the node's status reports a volume in use. Before that, nobody asks whether the volume is
  /// attached. 0.1 to 2 s were observed.
  public var statusDelay = Duration.milliseconds(300)
  /// The period of the reconciler. Due work waits for its next beat.
  public var period = Duration.milliseconds(100)
  /// How long a pod waits after a volume had no plugin, before the next attempt.
  public var podRetry = Duration.seconds(10)
  /// The time between two searches for directories of removed pods.
  public var housekeeping = Duration.seconds(2)

  /// Creates the defaults.
  public init() {}
}

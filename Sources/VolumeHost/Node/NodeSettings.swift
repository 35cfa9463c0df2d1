/// What may be set about a node.
public struct NodeSettings: Sendable {
  /// Whether the controller-manager attaches volumes, which is usual, or the kubelet itself.
  public var controllerAttaches = true
  /// How long it takes until the node's status says that a volume is in use, before which nobody asks whether it is attached.
  /// 0.1 to 2 s were seen.
  public var statusDelay = Duration.milliseconds(300)
  /// The reconciler's period: whatever is due waits for its next beat.
  public var period = Duration.milliseconds(100)
  /// How long a pod whose volume has no plugin waits until somebody looks again.
  public var podRetry = Duration.seconds(10)
  /// How often directories of pods that are gone are looked for.
  public var housekeeping = Duration.seconds(2)

  /// The usual.
  public init() {}
}

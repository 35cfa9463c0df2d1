/// An Event of a pod, as users read it.
public struct NodeEvent: Hashable, Sendable {
  /// `FailedMount`, `FailedAttachVolume` and the like.
  public let reason: String
  /// The pod's name. Empty if the pod is gone.
  public let pod: String
  /// The volume's name.
  public let volume: String
  /// The text: `MountVolume.SetUp failed for volume "v" : mount command failed, status: Failure, reason: …`
  public let message: String
  /// The time of the Event, by the node's clock.
  public let time: Duration
}

/// Something that a user can read in the events of a pod.
public struct NodeEvent: Hashable, Sendable {
  /// `FailedMount`, `FailedAttachVolume`, …
  public let reason: String
  /// The pod's name; empty when there is no pod any more.
  public let pod: String
  /// The volume's name.
  public let volume: String
  /// `MountVolume.SetUp failed for volume "v" : mount command failed, status: Failure, reason: …`
  public let message: String
  /// When.
  public let time: Duration
}

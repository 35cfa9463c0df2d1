/// The failure of an operation on a volume, and what it says about the volume's state.
public struct VolumeFailure: Error, Hashable, Sendable {
  /// What a caller may conclude from a failure.
  public enum Kind: Hashable, Sendable {
    /// The operation was rejected for now and changed nothing. It is retried; the previous state stays.
    case transient
    /// The operation may still be running. The volume counts as perhaps mounted, so it is unmounted when its pod goes.
    case uncertain
    /// The operation did not happen. A volume that was uncertain counts as unmounted again and is not unmounted.
    ///
    /// Every failure that a FlexVolume driver reports is final. So a driver must leave nothing behind when it fails.
    case final
  }

  /// What a caller may conclude.
  public let kind: Kind
  /// The text for users, as in a pod's Event.
  public let message: String

  /// Creates a failure from its parts.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// Returns a failure that leaves nothing behind.
  public static func final(_ message: String) -> VolumeFailure { VolumeFailure(.final, message) }
  /// Returns a failure that can still become a success.
  public static func uncertain(_ message: String) -> VolumeFailure { VolumeFailure(.uncertain, message) }
  /// Returns a failure that has changed nothing.
  public static func transient(_ message: String) -> VolumeFailure { VolumeFailure(.transient, message) }
}

extension VolumeFailure: CustomStringConvertible {
  /// The message.
  public var description: String { message }
}

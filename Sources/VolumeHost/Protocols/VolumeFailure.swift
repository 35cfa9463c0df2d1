/// Why an operation on a volume failed, and what that means for the volume's state.
public struct VolumeFailure: Error, Hashable, Sendable {
  /// What a caller may conclude.
  public enum Kind: Hashable, Sendable {
    /// It was refused for now and nothing was changed: retried, the previous state is kept.
    case transient
    /// It may still be going on: the volume counts as perhaps mounted, so an unmount is sent when its pod goes.
    case uncertain
    /// It did not happen. A volume that was uncertain counts as unmounted again, and no unmount is sent.
    ///
    /// Everything that a FlexVolume driver answers is final, so a driver must leave nothing behind when it fails.
    case final
  }

  /// What a caller may conclude.
  public let kind: Kind
  /// For people: what a pod's event says.
  public let message: String

  /// A failure from its parts.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// A failure that leaves nothing behind.
  public static func final(_ message: String) -> VolumeFailure { VolumeFailure(.final, message) }
  /// A failure that may still turn into a success.
  public static func uncertain(_ message: String) -> VolumeFailure { VolumeFailure(.uncertain, message) }
  /// A failure that has changed nothing.
  public static func transient(_ message: String) -> VolumeFailure { VolumeFailure(.transient, message) }
}

extension VolumeFailure: CustomStringConvertible {
  /// The message.
  public var description: String { message }
}

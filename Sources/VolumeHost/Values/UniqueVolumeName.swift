/// What kubelet and controller-manager know a volume by. One operation at a time runs for each.
public struct UniqueVolumeName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The text, as node.status.volumesAttached has it.
  public let text: String

  /// The text.
  public var description: String { text }

  /// `<plugin>/<volume>`, for a plugin that attaches or mounts devices: pods share it.
  public static func device(plugin: String, volume: String) -> UniqueVolumeName {
    UniqueVolumeName(text: "\(plugin)/\(volume)")
  }

  /// `<plugin>/<pod>-<volume>`, for any other plugin: each pod has its own, so two pods' calls run side by side.
  public static func pod(plugin: String, uid: String, volume: String) -> UniqueVolumeName {
    UniqueVolumeName(text: "\(plugin)/\(uid)-\(volume)")
  }

  /// A name that comes from a node's status.
  public init(text: String) { self.text = text }

  /// By text.
  public static func < (left: UniqueVolumeName, right: UniqueVolumeName) -> Bool { left.text < right.text }
}

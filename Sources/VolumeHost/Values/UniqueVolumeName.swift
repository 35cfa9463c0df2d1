/// The name of a volume in kubelet and controller-manager. Operations with the same name never run concurrently.
public struct UniqueVolumeName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The text, as in node.status.volumesAttached.
  public let text: String

  /// The text.
  public var description: String { text }

  /// Returns `<plugin>/<volume>`, for a plugin that attaches or mounts devices. Pods share it.
  public static func device(plugin: String, volume: String) -> UniqueVolumeName {
    UniqueVolumeName(text: "\(plugin)/\(volume)")
  }

  /// Returns `<plugin>/<pod>-<volume>`, for any other plugin. Each pod has its own, so calls for two pods run
  /// concurrently.
  public static func pod(plugin: String, uid: String, volume: String) -> UniqueVolumeName {
    UniqueVolumeName(text: "\(plugin)/\(uid)-\(volume)")
  }

  /// Creates a name from a node's status.
  public init(text: String) { self.text = text }

  /// Compares the texts.
  public static func < (left: UniqueVolumeName, right: UniqueVolumeName) -> Bool { left.text < right.text }
}

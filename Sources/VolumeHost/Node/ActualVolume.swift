/// The state of a volume that a node has, or may have.
struct ActualVolume {
  /// Whether something is mounted.
  enum Presence: Hashable {
    case absent
    /// It may be mounted. It is set up again if it is needed, and torn down otherwise.
    case uncertain
    case present
  }

  struct PodMount {
    var presence: Presence
    /// The volume's name in the directory.
    let name: String
  }

  var spec: VolumeSpec
  /// The plugin's name.
  let plugin: String
  let hasDevice: Bool
  /// The device from `attach` or `waitforattach`.
  var device: String
  var deviceMount = Presence.absent
  var deviceMountPath = ""
  /// The pods' mounts, by pod UID.
  var pods: [String: PodMount] = [:]
  /// The size in bytes to which the file system has been grown.
  var grownTo: Int64 = 0
}

/// What a node knows about a volume that it has, or may have.
struct ActualVolume {
  /// Whether something is there.
  enum Presence: Hashable {
    case absent
    /// It may be: set up again while it is wanted, taken down when it is not.
    case uncertain
    case present
  }

  struct PodMount {
    var presence: Presence
    /// The volume's name, for the directory.
    let name: String
  }

  var spec: VolumeSpec
  /// The plugin's name.
  let plugin: String
  let hasDevice: Bool
  /// As `attach` or `waitforattach` told.
  var device: String
  var deviceMount = Presence.absent
  var deviceMountPath = ""
  /// By pod UID.
  var pods: [String: PodMount] = [:]
  /// The size that its file system has been grown to.
  var grownTo: Int64 = 0
}

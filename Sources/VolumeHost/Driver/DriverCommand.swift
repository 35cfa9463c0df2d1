/// What a driver is asked to do: the first argument of each call.
public enum DriverCommand: String, Sendable, CaseIterable {
  /// Get ready, and say what you can do.
  case initialize = "init"
  /// Name the volume; every answer is ignored but `Not supported` and errors.
  case getVolumeName = "getvolumename"
  /// Attach the volume to a node. On the control plane.
  case attach
  /// Wait until it is there and name its device.
  case waitForAttach = "waitforattach"
  /// Is it still attached? On the control plane.
  case isAttached = "isattached"
  /// Detach it from a node. On the control plane.
  case detach
  /// Mount its device once for the node.
  case mountDevice = "mountdevice"
  /// Take that mount down.
  case unmountDevice = "unmountdevice"
  /// Mount it for a pod.
  case mount
  /// Take a pod's mount down.
  case unmount
  /// Grow the volume.
  case expandVolume = "expandvolume"
  /// Grow the file system.
  case expandFileSystem = "expandfs"

  /// The time after which the caller stops the process; nil where it waits for ever, which is everywhere else.
  public var timeLimit: Duration? { self == .waitForAttach ? .seconds(600) : nil }
}

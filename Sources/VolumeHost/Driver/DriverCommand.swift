/// The command of a call: the first argument.
public enum DriverCommand: String, Sendable, CaseIterable {
  /// Initializes the driver and returns its capabilities.
  case initialize = "init"
  /// Returns the volume's name. Callers ignore every answer except `Not supported` and errors.
  case getVolumeName = "getvolumename"
  /// Attaches the volume to a node. Runs on the control plane.
  case attach
  /// Waits until the volume is attached and returns its device.
  case waitForAttach = "waitforattach"
  /// Returns whether the volume is still attached. Runs on the control plane.
  case isAttached = "isattached"
  /// Detaches the volume from a node. Runs on the control plane.
  case detach
  /// Mounts the volume's device once for the node.
  case mountDevice = "mountdevice"
  /// Unmounts the device.
  case unmountDevice = "unmountdevice"
  /// Mounts the volume for a pod.
  case mount
  /// Unmounts a pod's volume.
  case unmount
  /// Grows the volume.
  case expandVolume = "expandvolume"
  /// Grows the file system.
  case expandFileSystem = "expandfs"

  /// The time after which the caller stops the process. Only `waitforattach` has one; nil for all other commands.
  public var timeLimit: Duration? { self == .waitForAttach ? .seconds(600) : nil }
}

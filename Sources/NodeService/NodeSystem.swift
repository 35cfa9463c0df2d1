package import LinuxSystem
package import LogicalVolumes
package import StorageModel

/// What the service asks of the operating system. One seam, two implementations: Linux, and a simulation that works on
/// a ``SimulatedWorld`` so that the whole daemon runs without privileges.
///
/// Nothing here blocks the cooperative pool. Errors name the path or device.
package protocol NodeSystem: Sendable {
  /// The real absolute path of a directory, checked component by component, no symbolic link followed below `root`.
  /// Nil when it does not exist.
  ///
  /// - Throws: `unsafe` when a component is a symbolic link or no directory.
  func resolve(root: String, components: [String]) async throws(VolumeError) -> String?

  /// Requires that mounts which are made below kubelet's root directory are seen by kubelet, as far as the mount tables tell,
  /// and takes down what a crash in the middle of a bind has left.
  ///
  /// - Parameter directories: those below the root in which mounts are made, component by component.
  /// - Throws: `unavailable` saying what to change; `notFound` when the directory does not exist.
  func prepareMounting(root: String, directories: [[String]]) async throws(VolumeError)

  /// What a directory of kubelet's shows here, for the client to compare with what kubelet sees. Nil where nothing is really
  /// mounted.
  ///
  /// - Parameter source: the device whose mount is visible there: some file systems wait for their disk before they tell of
  ///   themselves, XFS before Linux 6.0 for example.
  func view(root: String, components: [String], source: String) async throws(VolumeError) -> DirectoryView?

  /// Whether two paths lead to one directory, symbolic links followed. False when one cannot be resolved.
  func isSameDirectory(_ first: String, _ second: String) async throws(VolumeError) -> Bool

  /// Reads the mount table, once. The kernel writes it anew for each reader, in a time that grows with the number of mounts.
  ///
  /// - Parameter volumes: whose mounts are to be found in it.
  func look(at volumes: [StoredVolume.Location]) async throws(VolumeError) -> MountView

  /// Whether the directory, or one below it, is mounted in any mount namespace that has a process in /proc.
  func isMountedAnywhere(_ directory: String) async throws(VolumeError) -> Bool

  /// What the kernel holds against the file system of a mount that was made for writing; nil when nothing.
  func complaint(about mount: MountEntry) async throws(VolumeError) -> FileSystemComplaint?

  /// What is on a device.
  ///
  /// - Parameter identity: a file system that is known by this is what is there, whatever signatures a pod's data imitate.
  func contents(
    of device: String, knownAs identity: FileSystemIdentity?
  ) async throws(VolumeError) -> DeviceContents

  /// Whether a file system that was found says of itself that mkfs has come to its end.
  func isFinished(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool

  /// Whether anything, in whatever mount namespace, holds the device open exclusively: a mount, a device-mapper table.
  func isHeld(_ device: String) async throws(VolumeError) -> Bool

  /// Who holds a volume, as phrases for a message; empty when that is not known.
  func holders(of location: StoredVolume.Location) async throws(VolumeError) -> [String]

  /// Makes a file system and returns when it is on the disk. When the task is cancelled, or the time is up, the program is
  /// killed, and this returns when it is dead.
  ///
  /// - Parameters:
  ///   - identity: what it is to be known by.
  ///   - deadline: how long it may take; nil for as long as it takes.
  ///   - progress: is told how far it is.
  func makeFileSystem(
    _ kind: FileSystemKind, on device: String, identity: FileSystemIdentity, options: [String], deadline: Duration?,
    progress: ToolProgress
  ) async throws(VolumeError)

  /// Whether a file system says that it needs repair before it may be mounted.
  func needsRepair(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool

  /// Repairs a file system that is not mounted. Ends with the task as ``makeFileSystem`` does.
  func repairFileSystem(
    _ kind: FileSystemKind, on device: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError)

  /// Grows a mounted file system to the size of its device.
  func growFileSystem(
    _ kind: FileSystemKind, on device: String, mountPoint: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError)

  /// Mounts a device at a directory of ours.
  func mount(
    _ device: String, at path: String, kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError)

  /// Binds `source` to a directory of kubelet's, opened component by component, with these flags beside those of `source`.
  func bind(
    _ source: String, root: String, components: [String], adding flags: MountFlags
  ) async throws(VolumeError)

  /// Mounts a device at a directory of kubelet's, opened component by component.
  func mount(
    _ device: String, root: String, components: [String], kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError)

  /// Takes all layers off a mount point and says how many there were.
  func unmountAll(_ path: String) async throws(VolumeError) -> Int

  func makeDirectory(_ path: String) async throws(VolumeError)
  func removeDirectory(_ path: String) async throws(VolumeError)
  func directories(in path: String) async throws(VolumeError) -> [String]

  /// How much the threads have to do on which all this runs. Does not block.
  var loads: [LaneLoad] { get }
}

extension NodeSystem {
  package var loads: [LaneLoad] { [] }
}

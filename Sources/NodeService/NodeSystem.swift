package import LinuxSystem
package import LogicalVolumes
package import StorageModel

/// The operating system as the service uses it. Two implementations: Linux, and a simulation on a ``SimulatedWorld`` so
/// that the whole daemon runs without privileges.
///
/// No call blocks the cooperative pool. All throw ``VolumeError`` that names the path or device.
package protocol NodeSystem: Sendable {
  /// The real absolute path of a directory. It is opened component by component, without following symbolic links below
  /// `root`. Nil when it does not exist.
  ///
  /// - Throws: `unsafe` if a component is a symbolic link or not a directory.
  func resolve(root: String, components: [String]) async throws(VolumeError) -> String?

  /// Checks by the mount tables that kubelet sees mounts below its root directory, and unmounts what a crash during a
  /// bind has left.
  ///
  /// - Parameter directories: the directories below the root in which mounts are made, component by component.
  /// - Throws: `unavailable` with what to change; `notFound` if the directory does not exist.
  func prepareMounting(root: String, directories: [[String]]) async throws(VolumeError)

  /// What one of kubelet's directories shows to the daemon. The client compares it with what kubelet sees. Nil if
  /// nothing is really mounted.
  ///
  /// - Parameter source: the device whose mount is visible there. Some file systems wait for their disk before they
  ///   answer, for example XFS before Linux 6.0.
  func view(root: String, components: [String], source: String) async throws(VolumeError) -> DirectoryView?

  /// Whether two paths lead to the same directory, with symbolic links followed. False if one cannot be resolved.
  func isSameDirectory(_ first: String, _ second: String) async throws(VolumeError) -> Bool

  /// Reads the mount table once. The kernel writes it for each reader, in a time that grows with the number of mounts.
  ///
  /// - Parameter volumes: the volumes whose mounts the result contains.
  func mountView(of volumes: [StoredVolume.Location]) async throws(VolumeError) -> MountView

  /// Whether the directory, or one below it, is mounted in any mount namespace that has a process in /proc.
  func isMountedAnywhere(_ directory: String) async throws(VolumeError) -> Bool

  /// The kernel's complaint about the file system of a writable mount; nil when there is none.
  func complaint(about mount: MountEntry) async throws(VolumeError) -> FileSystemComplaint?

  /// The content of a device.
  ///
  /// - Parameter identity: the identity of our file system. If the device has it, that file system counts as the
  ///   content, whatever signatures a pod's data imitate.
  func contents(
    of device: String, knownAs identity: FileSystemIdentity?
  ) async throws(VolumeError) -> DeviceContents

  /// Whether a file system's own superblock shows that mkfs has finished.
  func isFinished(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool

  /// Whether a mount or a device-mapper table, in any mount namespace, holds the device open exclusively.
  func isHeld(_ device: String) async throws(VolumeError) -> Bool

  /// The users of a volume, as phrases for a message; empty when they are not known.
  func holders(of location: StoredVolume.Location) async throws(VolumeError) -> [String]

  /// Creates a file system and returns when it is on the disk. If the task is cancelled or the time is up, kills the
  /// program and returns when it has ended.
  ///
  /// - Parameters:
  /// - identity: the UUID and label of the file system.
  /// - deadline: the time limit; nil for none.
  /// - progress: receives the progress.
  func makeFileSystem(
    _ kind: FileSystemKind, on device: String, identity: FileSystemIdentity, options: [String], deadline: Duration?,
    progress: ToolProgress
  ) async throws(VolumeError)

  /// Writes out everything that was written to a mounted file system.
  func flush(_ mount: MountEntry) async throws(VolumeError)

  /// Whether the copy of a file system must be mounted before it can get its identity.
  func needsMount(asCopy kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool

  /// Makes the copy of a file system one that can be mounted beside the original.
  func separateCopy(
    _ kind: FileSystemKind, on device: String, as identity: FileSystemIdentity
  ) async throws(VolumeError)

  /// Gives the copy of a file system its identity and returns when that is on the disk.
  ///
  /// - Parameter mountPoint: where the copy is mounted; nil if it is not. An XFS must be mounted, the others must not.
  /// - Throws: `invalid` for a file system that cannot get another identity.
  func identifyCopy(
    _ kind: FileSystemKind, on device: String, mountedAt mountPoint: String?, as identity: FileSystemIdentity
  ) async throws(VolumeError)

  /// Whether a file system's superblock asks for repair before the next mount.
  func needsRepair(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool

  /// Repairs a file system that is not mounted. Ends with the task like ``makeFileSystem``.
  func repairFileSystem(
    _ kind: FileSystemKind, on device: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError)

  /// Grows a mounted file system to the size of its device.
  func growFileSystem(
    _ kind: FileSystemKind, on device: String, mountPoint: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError)

  /// Mounts a device at one of our directories.
  func mount(
    _ device: String, at path: String, kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError)

  /// Binds `source` to one of kubelet's directories, opened component by component, with these flags in addition to
  /// those of `source`.
  func bind(
    _ source: String, root: String, components: [String], adding flags: MountFlags
  ) async throws(VolumeError)

  /// Mounts a device at one of kubelet's directories, opened component by component.
  func mount(
    _ device: String, root: String, components: [String], kind: FileSystemKind, options: MountOptions
  ) async throws(VolumeError)

  /// Unmounts all layers of a mount point and returns their number.
  func unmountAll(_ path: String) async throws(VolumeError) -> Int

  func makeDirectory(_ path: String) async throws(VolumeError)
  func removeDirectory(_ path: String) async throws(VolumeError)
  func directories(in path: String) async throws(VolumeError) -> [String]

  /// The load of the lanes that run these calls. Does not block.
  var loads: [LaneLoad] { get }
}

extension NodeSystem {
  package var loads: [LaneLoad] { [] }
}

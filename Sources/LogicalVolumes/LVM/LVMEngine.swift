internal import LinuxSystem
package import StorageModel
internal import Synchronization

/// Logical volumes through liblvm2cmd, in this process.
///
/// Concurrency: an actor on a thread of its own, so that commands never interleave and a stuck one blocks nothing but
/// further commands. What is known of the groups is kept outside of it: a volume that is known and active is found
/// without entering the actor, so mounts of existing volumes, status and metrics go on while a command hangs.
///
/// Freshness: one report when the daemon starts; after that a group is read again only when its sequence number on disk
/// is not the one we know (somebody else's change), and our own changes are applied to the state we have.
package actor LVMEngine: VolumeEngine {
  package nonisolated let kind = EngineKind.lvm
  nonisolated let options: LVMOptions
  nonisolated let recorder = FlightRecorder()
  private nonisolated let executor = SerialThreadExecutor(name: "lvm")
  /// The last state of each group, with what is needed to tell whether it still holds.
  nonisolated let knownGroups = Mutex<[VolumeGroupName: KnownGroup]>([:])
  /// Groups that could not be read at the last look.
  nonisolated let setbacks = Mutex<[VolumeGroupName: Setback]>([:])
  var session: LVMSession?
  /// The devices files that the session has read.
  var devicesFiles: DevicesFiles?
  /// The devices that LVM is shown for a group whose name another group has too.
  var narrowed: [VolumeGroupName: [String]] = [:]
  /// UUIDs of groups whose record could not be written.
  var unrecorded: [VolumeGroupName: String] = [:]
  private(set) var isStarted = false
  /// Groups whose volumes have been activated since the group could be read.
  var broughtUp: Set<VolumeGroupName> = []

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  package nonisolated var activity: EngineActivity { recorder.snapshot }

  package init(options: LVMOptions) {
    precondition(!options.groups.isEmpty, "an LVM engine needs a volume group")
    self.options = options
  }

  package func start() throws(VolumeError) {
    // On this thread, since all commands run on it.
    let configuration = LVMConfiguration(
      directory: options.systemDirectory, usesUdev: options.udev.isOn,
      leavesMemoryUnlocked: ProcessAttributes.serveBlockDevicesFromThisThread())
    try configuration.write(recorder: recorder)
    isStarted = true
    _ = try openSession()
    // One that cannot be used is recorded, tried again, and keeps no other from being served.
    for group in options.groups { _ = try reading(of: group) }
  }

  package nonisolated func volume(_ name: VolumeName) async throws(VolumeError) -> StoredVolume? {
    if let known = knownActiveVolume(name) { return known }
    return try await lookUp(name)
  }

  package nonisolated func volume(
    _ name: VolumeName, wantedIn group: VolumeGroupName?
  ) async throws(VolumeError) -> StoredVolume? {
    if let known = knownActiveVolume(name) { return known }
    return try await lookUp(name, wantedIn: group ?? options.groups[0])
  }

  package nonisolated func volumes() async throws(VolumeError) -> [StoredVolume] {
    try await catchUp()
    let states = knownGroups.withLock { $0.values.map(\.state) }
    return states.flatMap { state in
      state.volumes.values.compactMap { $0.marks == nil ? nil : stored($0, in: state) }
    }.sorted { $0.name < $1.name }
  }

  /// Thick and thin volumes stay active: the next mount then needs no LVM command.
  package nonisolated func detach(_ name: VolumeName) async throws(VolumeError) {}
}

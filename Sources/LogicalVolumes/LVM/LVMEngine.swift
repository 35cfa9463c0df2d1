internal import LinuxSystem
package import StorageModel
internal import Synchronization

/// Logical volumes through liblvm2cmd, in this process. All methods throw ``VolumeError``.
///
/// Concurrency: an actor with its own thread, so that commands never interleave, and a command that hangs blocks only
/// further commands. The known state of groups is outside of the actor. A volume that is known and active is found
/// without entering the actor, so mounts of existing volumes, status and metrics continue while a command hangs.
///
/// Freshness: one report when the daemon starts. After that a group is read again only if its sequence number on disk
/// differs from the known one, which means that another program has changed it. Our own changes are applied to the
/// known state.
package actor LVMEngine: VolumeEngine {
  package nonisolated let kind = EngineKind.lvm
  nonisolated let options: LVMOptions
  nonisolated let recorder = FlightRecorder()
  private nonisolated let executor = SerialThreadExecutor(name: "lvm")
  /// The last state of each group, and the means to check whether it is still valid.
  nonisolated let knownGroups = Mutex<[VolumeGroupName: KnownGroup]>([:])
  /// Groups that could not be read the last time.
  nonisolated let setbacks = Mutex<[VolumeGroupName: Setback]>([:])
  var session: LVMSession?
  /// The devices files that the session has read.
  var devicesFiles: DevicesFiles?
  /// The visible devices for groups whose name another group has too.
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
    // On this thread, because all commands run on it.
    let configuration = LVMConfiguration(
      directory: options.systemDirectory, usesUdev: options.udev.isOn,
      leavesMemoryUnlocked: ProcessAttributes.serveBlockDevicesFromThisThread())
    try configuration.write(recorder: recorder)
    isStarted = true
    _ = try openSession()
    // A group that cannot be used is recorded and tried again later. Other groups are served.
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

  /// Does nothing: thick and thin volumes stay active, so that the next mount needs no LVM command.
  package nonisolated func detach(_ name: VolumeName) async throws(VolumeError) {}
}

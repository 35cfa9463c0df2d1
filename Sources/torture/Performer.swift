import CommandLineTool
import LinuxSystem
import StorageModel

/// Performs operations. Acknowledges each in the history as soon as nothing may undo it.
struct Performer: Sendable {
  let history: History
  let node: NodeUnderTest
  /// The strike against the operation; nil for none.
  let strike: Strike?

  private var caller: Caller {
    var caller = node.caller
    switch strike {
    case .tool(_, .hangs): caller.timeout = 5
    case .deviceHeld: caller.onAttached = { [node] device in try node.hold(device) }
    default: break
    }
    return caller
  }

  /// Attempts an operation once.
  func perform(_ operation: Operation) async throws -> Answer {
    let model = history.model
    switch operation {
    case .make(let new, let pod):
      return try await acknowledging(try await caller.mount(new, pod, readOnly: false)) {
        [.made(try describe(new, pod)), .mounted(volume: new.name, pod: pod, readOnly: false)]
      }
    case .mount(let name, let pod, let readOnly):
      let volume = try require(name, in: model)
      return try await acknowledging(try await caller.mount(volume.new, pod, readOnly: readOnly)) {
        [.mounted(volume: name, pod: pod, readOnly: readOnly)]
      }
    case .unmount(let name, let pod):
      let volume = try require(name, in: model)
      let isLast = volume.pods.keys.allSatisfy { $0 == pod }
      return try await acknowledging(try await caller.unmount(volume.new, pod, isLast: isLast)) {
        [.unmounted(volume: name, pod: pod)]
      }
    case .write(let name, let pod, let files): return try await write(files, name, pod)
    case .grow(let name, let mebibytes):
      let volume = try require(name, in: model)
      guard let pod = volume.pods.keys.min() else { throw TortureError("no pod uses \(name)") }
      return try await acknowledging(try await caller.grow(volume.new, pod, mebibytes: mebibytes)) {
        [.grown(volume: name, mebibytes: mebibytes)]
      }
    case .remove(let name):
      if strike == nil, let volume = model.volumes[name] { try await requireSound(volume) }
      return try await acknowledging(await caller.ask("remove", name)) { [.removed(volume: name)] }
    }
  }

  /// Deletes the PV as a cluster does: no claim names it, and the provisioner agrees. Waits until the daemon has
  /// removed the volume.
  func removeByDeletion(_ claim: Model.Claim) async throws {
    let name = claim.new.name
    try await requireSound(try require(name, in: history.model))
    var shown = ShownVolume(claim)
    shown.removable = claim.instance
    node.cluster.set(shown)
    let limit = MonotonicClock.now() + .seconds(90)
    while node.cluster.report(of: claim.uid) != .removed {
      guard MonotonicClock.now() < limit else { throw Finding("PV \(name) is deleted, and its volume is not removed") }
      try await Task.sleep(for: .milliseconds(5))
    }
    try await acknowledge([.removed(volume: name), .unclaimed(volume: name)])
    node.cluster.remove(name)
  }

  /// Repeats the call of an acknowledged operation.
  func repeatCall(_ operation: Operation) async throws -> Answer {
    switch operation {
    case .make(let new, let pod): return try await caller.mount(new, pod, readOnly: false)
    case .mount(let name, let pod, let readOnly):
      return try await caller.mount(try require(name, in: history.model).new, pod, readOnly: readOnly)
    case .unmount(let name, let pod):
      let volume = try require(name, in: history.model)
      return try await caller.unmount(volume.new, pod, isLast: volume.pods.isEmpty)
    case .write: return Answer(question: "write", failure: nil)
    case .grow, .remove: return try await perform(operation)
    }
  }

  /// Writes in another pod meanwhile. Only successful writes are acknowledged.
  func accompany(_ work: (volume: String, pod: String, files: [Operation.NewFile])?) async throws {
    guard let work else { return }
    _ = try await write(work.files, work.volume, work.pod)
  }

  // MARK: acknowledging

  private func acknowledging(
    _ answer: Answer, _ events: () throws -> [Event]
  ) async throws -> Answer {
    guard answer.isSuccess else { return answer }
    let made: [Event]
    // While the disk fails, the result cannot be read. The call is repeated and acknowledged later.
    do { made = try events() } catch let error as SystemError {
      return Answer(question: answer.question, failure: "succeeded, but: \(error)")
    }
    try await acknowledge(made)
    return answer
  }

  private func acknowledge(_ events: [Event]) async throws {
    try await node.disk.mark(Replay.mark)
    for event in events { try history.add(event) }
    // The cluster changes the PV too, for example when the claim is bound, and the daemon checks a changed PV.
    for case .made(let volume) in events { node.cluster.touch(volume.new.name) }
  }

  private func write(_ files: [Operation.NewFile], _ volume: String, _ pod: String) async throws -> Answer {
    let directory = caller.podDirectory(volume, pod)
    for file in files {
      try history.add(.writing(volume: volume, file))
      do throws(SystemError) {
        // A disk may hang, and everything else must continue.
        try await Self.writers.run { () throws(SystemError) in
          try Files.writeDurably(file.content.make(), to: "\(directory)/\(file.name)", mode: 0o644)
        }
      } catch {
        return Answer(question: "write", failure: "\(error)")
      }
      try await acknowledge([.written(volume: volume, file)])
    }
    return Answer(question: "write", failure: nil)
  }

  private static let writers = WorkerPool(name: "writer", limit: 4)

  private func require(_ name: String, in model: Model) throws -> Model.Volume {
    guard let volume = model.volumes[name] else { throw TortureError("the model has no volume \(name)") }
    return volume
  }

  /// Describes a new volume by the kernel's data. Its file system must be that of the last mkfs, and it must be empty,
  /// above all of files of a former volume at the same place.
  private func describe(_ new: Operation.NewVolume, _ pod: String) throws -> Model.Volume {
    let device = Group.device(new.name)
    guard let uuid = BlockDevice.deviceMapperUUID(try BlockDevice.number(of: device)), uuid.hasPrefix("LVM-"),
      case .fileSystem(_, .some(let fileSystem), _) = try DeviceContents.probe(device)
    else { throw Finding("\(device) was acknowledged and has no file system") }
    guard let making = try node.standIns.lastMaking(of: new.name), making.contains(fileSystem) else {
      throw Finding("\(device) was acknowledged with file system \(fileSystem), which mkfs did not make on it")
    }
    let files = try Files.list(caller.podDirectory(new.name, pod)).filter { $0 != "lost+found" }
    guard files.isEmpty else { throw Finding("\(device) is new and has the files \(files)") }
    return Model.Volume(
      new: new, instance: Group.instance(inDevice: uuid), fileSystemUUID: fileSystem,
      makings: try node.standIns.makings(of: new.name), mebibytes: new.mebibytes)
  }

  // MARK: checking

  /// Replays the journal by mounting the device; repeated if the kernel cannot replay a growth at once, see
  /// `LinuxNodeSystem.mountReplayed`.
  private func replayJournal(_ device: String, _ fileSystem: String) throws {
    guard try MountTable.current().mounts(ofBlockDevice: BlockDevice.number(of: device)).isEmpty else { return }
    let path = node.place.root + "/look"
    try Files.makeDirectories(path, mode: 0o700)
    for attempt in 1...3 {
      do throws(SystemError) {
        try Mounting.mount(device: device, atPath: path, fileSystem: fileSystem, flags: [], data: "")
        try Mounting.unmount(path)
      } catch {
        guard attempt < 3 else { throw Finding("\(device) cannot be mounted: \(error)") }
      }
    }
  }

  /// Requires one sound file system before a volume is removed.
  private func requireSound(_ volume: Model.Volume) async throws {
    let device = Group.device(volume.new.name)
    // A removal that was killed may have left no node, or a node of another device.
    guard let uuid = (try? BlockDevice.number(of: device)).flatMap({ BlockDevice.deviceMapperUUID($0) }),
      Group.instance(inDevice: uuid) == volume.instance
    else { return }
    let isExt4 = volume.new.fileSystem == "ext4"
    // A journal that was not replayed is not an error, but neither checker reads the journal in read-only mode.
    try replayJournal(device, volume.new.fileSystem)
    let words = isExt4 ? ["-fn", device] : ["-n", device]
    let result = try await Shell.attempt(isExt4 ? "e2fsck" : "xfs_repair", words)
    if volume.mebibytes > volume.new.mebibytes, result.output.contains("would write modified primary superblock") {
      // After a growth the kernel writes an XFS's secondary superblocks outside of the journal: docs/defects.md, "Not
      // ours".
      return Console.print("  \(device): secondary superblocks from before a growth; not checked further")
    }
    if !result.isSuccess { throw Finding("\(device) is not sound: \(result.output.suffix(800))") }
  }
}

internal import LinuxSystem
package import StorageModel
internal import Synchronization

/// Volumes in memory, with the rules of the real engines: extents, capacity, ownership, instances.
package final class SimulatedEngine: VolumeEngine {
  package let kind = EngineKind.simulated
  private let world: SimulatedWorld
  private let recorder = FlightRecorder()

  package static let group = "simulated-vg"
  private static let extentSize = ByteCount.mebibytes(4)

  package init(world: SimulatedWorld) { self.world = world }

  package var activity: EngineActivity { recorder.snapshot }

  package func start() async throws(VolumeError) {
    world.state.withLock { state in
      for name in state.volumes.keys where state.volumes[name]?.marks != nil { state.volumes[name]?.isActive = true }
    }
  }

  package func volume(_ name: VolumeName) async throws(VolumeError) -> StoredVolume? {
    let (volume, trouble) = world.state.withLock { ($0.volumes[name.text], $0.trouble) }
    if let trouble, volume?.isActive != true { throw trouble.error }
    return volume
  }

  package func volumes() async throws(VolumeError) -> [StoredVolume] {
    world.state.withLock { $0.volumes.values.filter { $0.marks != nil } }.sorted { $0.name < $1.name }
  }

  package func create(_ request: CreationRequest) async throws(VolumeError) -> Outcome<StoredVolume> {
    try requireServed(request.deviceClass)
    let size = try Self.roundedUp(request.size)
    return try record("create \(request.name)") { state throws(VolumeError) in
      if let trouble = state.trouble { throw trouble.error }
      if let existing = state.volumes[request.name.text] { return .unchanged(existing) }
      return .changed(try Self.make(request, size, .blank, origin: nil, in: &state))
    }
  }

  package func clone(
    _ request: CreationRequest, of origin: CloneOrigin
  ) async throws(VolumeError) -> Outcome<StoredVolume> {
    try requireServed(request.deviceClass)
    let size = try Self.roundedUp(request.size)
    return try record("clone \(request.name)") { state throws(VolumeError) in
      if let trouble = state.trouble { throw trouble.error }
      if let existing = state.volumes[request.name.text] { return .unchanged(existing) }
      let source = try origin.require(state.volumes[origin.name.text], for: request.name)
      try origin.requireFits(source.size, into: size, of: request.name)
      guard case .device(let device) = source.location, let contents = state.devices[device] else {
        throw VolumeError(.internal, "volume \(origin.name) has no device")
      }
      return .changed(try Self.make(request, size, contents, origin: origin.instance, in: &state))
    }
  }

  package func activate(_ volume: StoredVolume) async throws(VolumeError) -> Outcome<StoredVolume> {
    try change(volume, "activate") { found throws(VolumeError) in
      guard !found.isActive else { return false }
      found.isActive = true
      return true
    }
  }

  package func detach(_ name: VolumeName) async throws(VolumeError) {}

  package func extend(_ volume: StoredVolume, to size: ByteCount) async throws(VolumeError) -> Outcome<StoredVolume> {
    guard let target = size.roundedUp(to: Self.extentSize) else {
      throw VolumeError(.invalid, "a size of \(size) is too large")
    }
    return try record("extend \(volume.name)") { state throws(VolumeError) in
      var found = try Self.require(volume, in: state)
      _ = try found.requireOurs(to: "resize")
      guard target > found.size else { return .unchanged(found) }
      try Self.requireSpace(for: target - found.size, name: volume.name, in: state)
      found.size = target
      state.volumes[volume.name.text] = found
      return .changed(found)
    }
  }

  package func adopt(_ volume: StoredVolume, claim: ClaimUID?) async throws(VolumeError) -> Outcome<StoredVolume> {
    try change(volume, "adopt") { found throws(VolumeError) in
      guard case .foreign(let adoptable, let kind) = found.ownership else { return false }
      guard adoptable else {
        throw VolumeError(.unsafe, "volume \(volume.name) is a \(kind) and is not adopted")
      }
      found.ownership = .ours(StoredVolume.Marks(claim: claim, creation: nil))
      return true
    }
  }

  package func setRetained(
    _ volume: StoredVolume, _ isRetained: Bool
  ) async throws(VolumeError) -> Outcome<StoredVolume> {
    try change(volume, "mark") { found throws(VolumeError) in
      var marks = try found.requireOurs(to: "mark")
      guard marks.isRetained != isRetained else { return false }
      marks.isRetained = isRetained
      found.ownership = .ours(marks)
      return true
    }
  }

  package func remove(
    _ volume: StoredVolume, notAfter end: Duration?
  ) async throws(VolumeError) -> Outcome<StoredVolume> {
    try volume.requireRemoval(notAfter: end)
    return try record("remove \(volume.name)") { state throws(VolumeError) in
      guard let found = state.volumes[volume.name.text], found.instance == volume.instance else {
        return .unchanged(volume)
      }
      let marks = try found.requireOurs(to: "remove")
      guard !marks.isRetained else { throw StoredVolume.retained(volume.name) }
      state.volumes[volume.name.text] = nil
      if case .device(let path) = found.location {
        state.devices[path] = nil
        state.deviceNumbers[path] = nil
      }
      return .changed(found)
    }
  }

  package func capacity() async throws(VolumeError) -> [GroupCapacity] {
    world.state.withLock { state in
      let ours = state.volumes.values.filter { $0.marks != nil }
      let foreign = state.volumes.values.filter { $0.marks == nil }.reduce(ByteCount.zero) { $0 + $1.size }
      var capacity = GroupCapacity(
        group: Self.group, totalBytes: state.totalSize.bytes, freeBytes: Self.free(in: state).bytes,
        foreignBytes: foreign.bytes, extentBytes: Self.extentSize.bytes, volumes: ours.count)
      if let trouble = state.trouble { capacity.close(trouble) }
      return [capacity]
    }
  }
}

// MARK: - Steps

extension SimulatedEngine {
  private func requireServed(_ deviceClass: DeviceClass) throws(VolumeError) {
    if let group = deviceClass.group, group.text != Self.group {
      throw VolumeError(
        .invalid, "volume group \(quoted(group.text)) is not served on this node; it serves \(Self.group)")
    }
    guard deviceClass.provisioning != .thin else {
      throw VolumeError(.invalid, "a thin volume was requested, but simulated volumes are thick")
    }
  }

  private static func roundedUp(_ size: ByteCount) throws(VolumeError) -> ByteCount {
    guard let rounded = size.roundedUp(to: extentSize) else {
      throw VolumeError(.invalid, "a size of \(size) is too large")
    }
    return rounded
  }

  /// Adds a volume with this content.
  private static func make(
    _ request: CreationRequest, _ size: ByteCount, _ contents: DeviceContents, origin: String?,
    in state: inout SimulatedWorld.State
  ) throws(VolumeError) -> StoredVolume {
    try requireSpace(for: size, name: request.name, in: state)
    let device = "/dev/simulated/\(request.name)"
    let volume = StoredVolume(
      name: request.name, instance: request.creation.text, location: .device(device), size: size, group: group,
      ownership: .ours(StoredVolume.Marks(claim: request.claim, creation: request.creation, origin: origin)),
      isActive: true, createdAt: WallClock.now())
    state.volumes[request.name.text] = volume
    state.devices[device] = contents
    state.deviceNumbers[device] = DeviceNumber(major: 240, minor: state.nextDevice)
    state.nextDevice += 1
    return volume
  }

  private static func free(in state: SimulatedWorld.State) -> ByteCount {
    state.totalSize - state.volumes.values.reduce(ByteCount.zero) { $0 + $1.size }
  }

  private static func requireSpace(
    for size: ByteCount, name: VolumeName, in state: SimulatedWorld.State
  ) throws(VolumeError) {
    let free = free(in: state)
    guard size <= free else {
      throw VolumeError(
        .noSpace,
        "volume \(name): volume group \"\(group)\" has \(free) free, \(size) requested, \(size - free) missing")
    }
  }

  private static func require(
    _ volume: StoredVolume, in state: SimulatedWorld.State
  ) throws(VolumeError) -> StoredVolume {
    guard let found = state.volumes[volume.name.text], found.instance == volume.instance else {
      throw VolumeError(.notFound, "volume \(volume.name) is no longer in \(group)")
    }
    return found
  }

  private func change(
    _ volume: StoredVolume, _ activity: String, _ body: (inout StoredVolume) throws(VolumeError) -> Bool
  ) throws(VolumeError) -> Outcome<StoredVolume> {
    try record("\(activity) \(volume.name)") { state throws(VolumeError) in
      var found = try Self.require(volume, in: state)
      guard try body(&found) else { return .unchanged(found) }
      state.volumes[volume.name.text] = found
      return .changed(found)
    }
  }

  /// Runs a change under the world's lock and records it in the flight recorder.
  private func record(
    _ command: String, _ body: (inout SimulatedWorld.State) throws(VolumeError) -> Outcome<StoredVolume>
  ) throws(VolumeError) -> Outcome<StoredVolume> {
    recorder.begin(command)
    let name = String(command.prefix { $0 != " " })
    let result: Result<Outcome<StoredVolume>, VolumeError> = world.state.withLock { state in
      do throws(VolumeError) { return .success(try body(&state)) } catch { return .failure(error) }
    }
    switch result {
    case .success(let outcome):
      recorder.end(name: name, returnCode: 0, succeeded: true, messages: "")
      return outcome
    case .failure(let error):
      recorder.end(name: name, returnCode: 1, succeeded: false, messages: error.message)
      throw error
    }
  }
}

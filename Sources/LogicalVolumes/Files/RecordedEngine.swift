internal import LinuxSystem
package import StorageModel

/// Volumes on a file system of the node, each with a record: image files or directories.
///
/// Concurrency: an actor with its own thread, because its calls block for the disk.
package actor RecordedEngine: VolumeEngine {
  package nonisolated let kind: EngineKind
  private nonisolated let directory: String
  private nonisolated let storage: any RecordedStorage
  private nonisolated let records: RecordStore
  private nonisolated let recorder = FlightRecorder()
  private nonisolated let executor = SerialThreadExecutor(name: "volumes")

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  package nonisolated var activity: EngineActivity { recorder.snapshot }

  /// Sparse image files on loop devices, in `directory`: volumes of fixed size without LVM, for kind and laptops.
  package static func images(in directory: String) -> RecordedEngine {
    RecordedEngine(directory, ImageStorage(directory: directory))
  }

  /// Plain directories, in `directory/volumes`, bind-mounted into pods: the Go program's BINDMOUNT.
  package static func directories(in directory: String) -> RecordedEngine {
    RecordedEngine(directory, DirectoryStorage(directory: directory))
  }

  private init(_ directory: String, _ storage: some RecordedStorage) {
    self.directory = directory
    self.storage = storage
    kind = type(of: storage).kind
    records = RecordStore(directory: directory + "/records")
  }

  private nonisolated var unit: ByteCount { type(of: storage).unit }
  private nonisolated var noun: String { type(of: storage).noun }

  package func start() throws(VolumeError) {
    try storage.prepare()
    try records.prepare()
    for record in try records.all() {
      let name = try VolumeName(record.volume)
      // A crash came between record and volume, during creation or removal. Nothing is left to keep.
      if try !storage.isPresent(name) { try records.remove(name) }
    }
  }

  package func volume(_ name: VolumeName) throws(VolumeError) -> StoredVolume? {
    guard try storage.isPresent(name) else { return nil }
    guard let record = try records.record(of: name) else {
      let size = try storage.size(of: name, recorded: .zero)
      return try stored(name, "", size, .foreign(adoptable: true, kind: noun), createdAt: nil)
    }
    let size = try storage.size(of: name, recorded: ByteCount(record.sizeBytes))
    return try stored(
      name, record.instance, size, .ours(record.marks), createdAt: Timestamp(seconds: record.createdAt))
  }

  package func volumes() throws(VolumeError) -> [StoredVolume] {
    var result: [StoredVolume] = []
    for record in try records.all() {
      if let volume = try volume(try VolumeName(record.volume)) { result.append(volume) }
    }
    return result.sorted { $0.name < $1.name }
  }

  package func create(_ request: CreationRequest) throws(VolumeError) -> Outcome<StoredVolume> {
    if let existing = try volume(request.name) { return .unchanged(existing) }
    if let group = request.deviceClass.group {
      throw VolumeError(
        .invalid, "volume group \(quoted(group.text)) was requested, but this node creates each volume as a \(noun)")
    }
    guard request.deviceClass.provisioning != .thin else {
      throw VolumeError(.invalid, "a thin volume was requested, but this node creates each volume as a \(noun)")
    }
    let size = try roundedUp(request.size)
    try requireSpace(for: size, name: request.name)
    try noting("create", request.name) { () throws(VolumeError) in try make(request, size) }
    guard let made = try volume(request.name) else {
      throw VolumeError(.internal, "volume \(request.name) disappeared during its creation")
    }
    return .changed(made)
  }

  package func clone(
    _ request: CreationRequest, of origin: CloneOrigin
  ) throws(VolumeError) -> Outcome<StoredVolume> {
    if let existing = try volume(request.name) { return .unchanged(existing) }
    throw VolumeError(
      .invalid,
      "volume \(request.name) is to be a clone of volume \(origin.name), and this node creates each volume as a \(noun); only "
        + "thin volumes of engine lvm are cloned")
  }

  package func activate(_ volume: StoredVolume) throws(VolumeError) -> Outcome<StoredVolume> {
    let current = try require(volume)
    if current.isActive { return .unchanged(current) }
    try storage.activate(volume.name)
    return .changed(try require(volume))
  }

  package func detach(_ name: VolumeName) throws(VolumeError) { try storage.detach(name) }

  package func extend(_ volume: StoredVolume, to size: ByteCount) throws(VolumeError) -> Outcome<StoredVolume> {
    let current = try require(volume)
    _ = try current.requireOurs(to: "resize")
    let target = try roundedUp(size)
    guard target > current.size, var record = try records.record(of: volume.name) else {
      try storage.grow(volume.name, to: current.size)
      return .unchanged(current)
    }
    try requireSpace(for: target - current.size, name: volume.name)
    try noting("extend", volume.name) { () throws(VolumeError) in
      record.sizeBytes = target.bytes
      try records.write(record)
      try storage.grow(volume.name, to: target)
    }
    return .changed(try require(volume))
  }

  package func adopt(_ volume: StoredVolume, claim: ClaimUID?) throws(VolumeError) -> Outcome<StoredVolume> {
    let current = try require(volume)
    if current.marks != nil { return .unchanged(current) }
    var generator = SystemRandomNumberGenerator()
    let record = VolumeRecord(
      volume: volume.name.text, creation: nil, claim: claim?.text, isRetained: false, sizeBytes: current.size.bytes,
      createdAt: WallClock.now().seconds, instance: CreationToken(using: &generator).text)
    try noting("adopt", volume.name) { () throws(VolumeError) in try records.write(record) }
    return .changed(try self.volume(volume.name) ?? current)
  }

  package func setRetained(
    _ volume: StoredVolume, _ isRetained: Bool
  ) throws(VolumeError) -> Outcome<StoredVolume> {
    let current = try require(volume)
    _ = try current.requireOurs(to: "mark")
    guard var record = try records.record(of: volume.name), record.isRetained != isRetained else {
      return .unchanged(current)
    }
    record.isRetained = isRetained
    try noting("mark", volume.name) { () throws(VolumeError) in try records.write(record) }
    return .changed(try require(volume))
  }

  package func remove(
    _ volume: StoredVolume, notAfter end: Duration?
  ) throws(VolumeError) -> Outcome<StoredVolume> {
    try volume.requireRemoval(notAfter: end)
    guard let current = try self.volume(volume.name), current.instance == volume.instance else {
      return .unchanged(volume)
    }
    let marks = try current.requireOurs(to: "remove")
    guard !marks.isRetained else { throw StoredVolume.retained(volume.name) }
    try noting("remove", volume.name) { () throws(VolumeError) in
      try storage.putAway(volume.name, instance: volume.instance)
      try records.remove(volume.name)
      try storage.discard(volume.name, instance: volume.instance)
    }
    return .changed(volume)
  }

  package func capacity() throws(VolumeError) -> [GroupCapacity] {
    let space = try space()
    return [
      GroupCapacity(
        group: directory, totalBytes: space.total.bytes, freeBytes: space.free.bytes,
        foreignBytes: space.foreign.bytes, extentBytes: unit.bytes, volumes: try records.all().count)
    ]
  }
}

// MARK: - Steps

extension RecordedEngine {
  private func stored(
    _ name: VolumeName, _ instance: String, _ size: ByteCount, _ ownership: StoredVolume.Ownership,
    createdAt: Timestamp?
  ) throws(VolumeError) -> StoredVolume {
    let (location, isActive) = try storage.location(of: name)
    return StoredVolume(
      name: name, instance: instance, location: location, size: size, group: directory, ownership: ownership,
      isActive: isActive, createdAt: createdAt)
  }

  private func require(_ volume: StoredVolume) throws(VolumeError) -> StoredVolume {
    guard let current = try self.volume(volume.name), current.instance == volume.instance else {
      throw VolumeError(.notFound, "volume \(volume.name) is no longer in \(directory)")
    }
    return current
  }

  /// The record is written first, because a volume without a record would be foreign and could never be removed. If the
  /// volume cannot be created, the record is removed again.
  private func make(_ request: CreationRequest, _ size: ByteCount) throws(VolumeError) {
    try records.write(
      VolumeRecord(
        volume: request.name.text, creation: request.creation.text, claim: request.claim?.text, isRetained: false,
        sizeBytes: size.bytes, createdAt: WallClock.now().seconds, instance: request.creation.text))
    do throws(VolumeError) {
      try storage.make(request.name, size: size)
    } catch {
      try records.remove(request.name)
      throw error
    }
  }

  private func roundedUp(_ size: ByteCount) throws(VolumeError) -> ByteCount {
    if let size = size.roundedUp(to: unit) { return size }
    throw VolumeError(.invalid, "a size of \(size) is too large")
  }

  private func space() throws(VolumeError) -> DiskSpace {
    var promised = ByteCount.zero
    var written = ByteCount.zero
    for record in try records.all() {
      let name = try VolumeName(record.volume)
      promised = promised + ByteCount(record.sizeBytes)
      if try storage.isPresent(name) { written = written + (try storage.written(by: name)) }
    }
    return try DiskSpace(of: directory, promised: promised, written: written)
  }

  private func requireSpace(for size: ByteCount, name: VolumeName) throws(VolumeError) {
    let free = try space().free
    guard size <= free else {
      throw VolumeError(
        .noSpace,
        "volume \(name): \(directory) has \(free) free for new volumes, \(size) requested, \(size - free) missing")
    }
  }

  /// Runs a change and records it in the flight recorder.
  private func noting(
    _ command: String, _ name: VolumeName, _ body: () throws(VolumeError) -> Void
  ) throws(VolumeError) {
    recorder.begin("\(command) \(name)")
    do throws(VolumeError) {
      try body()
      recorder.end(name: command, returnCode: 0, succeeded: true, messages: "")
    } catch {
      recorder.end(name: command, returnCode: 1, succeeded: false, messages: error.message)
      throw error
    }
  }
}

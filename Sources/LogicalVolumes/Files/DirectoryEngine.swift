internal import LinuxSystem
package import StorageModel

/// Volumes as plain directories, bind-mounted into pods: the Go program's BINDMOUNT. Sizes are accounted for, not
/// enforced.
///
/// Concurrency: an actor on a thread of its own; its calls block on the disk.
package actor DirectoryEngine: VolumeEngine {
  package nonisolated let kind = EngineKind.directory
  private nonisolated let directory: String
  private nonisolated let records: RecordStore
  private nonisolated let recorder = FlightRecorder()
  private nonisolated let executor = SerialThreadExecutor(name: "directories")

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  package nonisolated var activity: EngineActivity { recorder.snapshot }

  /// Volumes are made in `directory/volumes`, their records in `directory/records`.
  package init(directory: String) {
    self.directory = directory
    records = RecordStore(directory: directory + "/records")
  }

  package func start() throws(VolumeError) {
    try reporting("preparing", directory) { () throws(SystemError) in
      try Files.makeDirectories(directory + "/volumes", mode: 0o700)
    }
    try records.prepare()
    for record in try records.all() {
      let name = try VolumeName(record.volume)
      // A crash between record and directory: nothing was made. One between the two of a removal: finish it.
      if try kind(of: path(of: name)) == nil { try records.remove(name) }
    }
    try finishRemovals()
  }

  package func volume(_ name: VolumeName) throws(VolumeError) -> StoredVolume? {
    guard case .directory? = try kind(of: path(of: name)) else { return nil }
    guard let record = try records.record(of: name) else {
      return stored(name, instance: "", size: .zero, .foreign(adoptable: true, kind: "directory"), createdAt: nil)
    }
    return stored(
      name, instance: record.instance, size: ByteCount(record.sizeBytes), .ours(record.marks),
      createdAt: Timestamp(seconds: record.createdAt))
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
    if let group = request.group {
      throw VolumeError(
        .invalid, "volume group \(quoted(group.text)) was asked for, but this node makes volumes as directories")
    }
    let free = try space().free
    guard request.size <= free else {
      throw VolumeError(
        .noSpace,
        "volume \(request.name): \(directory) has \(free) free, \(request.size) requested, \(request.size - free) missing"
      )
    }
    recorder.begin("create \(request.name)")
    do {
      try records.write(
        VolumeRecord(
          volume: request.name.text, creation: request.creation.text, claim: request.claim?.text, isRetained: false,
          sizeBytes: request.size.bytes, createdAt: WallClock.now().seconds, instance: request.creation.text))
      try reporting("making", path(of: request.name)) { () throws(SystemError) in
        // As a fresh ext4's root: the pod's fsGroup or its init container decides who may write.
        try Files.makeDirectory(path(of: request.name), mode: 0o755)
      }
    } catch {
      recorder.end(name: "create", returnCode: 1, succeeded: false, messages: error.message)
      try records.remove(request.name)
      throw error
    }
    recorder.end(name: "create", returnCode: 0, succeeded: true, messages: "")
    guard let made = try volume(request.name) else {
      throw VolumeError(.internal, "directory of volume \(request.name) has vanished while it was being made")
    }
    return .changed(made)
  }

  package func activate(_ volume: StoredVolume) throws(VolumeError) -> Outcome<StoredVolume> {
    .unchanged(try require(volume))
  }

  package nonisolated func release(_ name: VolumeName) async throws(VolumeError) {}

  package func extend(_ volume: StoredVolume, to size: ByteCount) throws(VolumeError) -> Outcome<StoredVolume> {
    let current = try require(volume)
    _ = try current.requireOurs(to: "resize")
    guard size > current.size, var record = try records.record(of: volume.name) else { return .unchanged(current) }
    let free = try space().free
    guard size - current.size <= free else {
      throw VolumeError(
        .noSpace,
        "volume \(volume.name): \(directory) has \(free) free, \(size - current.size) more requested, "
          + "\(size - current.size - free) missing")
    }
    record.sizeBytes = size.bytes
    try records.write(record)
    return .changed(try require(volume))
  }

  package func adopt(_ volume: StoredVolume, claim: ClaimUID?) throws(VolumeError) -> Outcome<StoredVolume> {
    let current = try require(volume)
    if current.marks != nil { return .unchanged(current) }
    var generator = SystemRandomNumberGenerator()
    try records.write(
      VolumeRecord(
        volume: volume.name.text, creation: nil, claim: claim?.text, isRetained: false, sizeBytes: 0,
        createdAt: WallClock.now().seconds, instance: CreationToken(using: &generator).text))
    guard let adopted = try self.volume(volume.name) else { return .unchanged(current) }
    return .changed(adopted)
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
    try records.write(record)
    return .changed(try require(volume))
  }

  package func remove(_ volume: StoredVolume) throws(VolumeError) -> Outcome<StoredVolume> {
    guard let current = try self.volume(volume.name), current.instance == volume.instance else {
      return .unchanged(volume)
    }
    let marks = try current.requireOurs(to: "remove")
    guard !marks.isRetained else { throw StoredVolume.retained(volume.name) }
    recorder.begin("remove \(volume.name)")
    defer { recorder.end(name: "remove", returnCode: 0, succeeded: true, messages: "") }
    // Out of the way in one step, so that a crash leaves either the whole volume or none.
    let doomed = "\(directory)/removing-\(volume.name)-\(volume.instance)"
    try reporting("moving away", path(of: volume.name)) { () throws(SystemError) in
      try Files.rename(path(of: volume.name), to: doomed)
    }
    try records.remove(volume.name)
    try reporting("removing", doomed) { () throws(SystemError) in try Files.removeTree(doomed) }
    return .changed(volume)
  }

  package func capacity() throws(VolumeError) -> [GroupCapacity] {
    let space = try space()
    return [
      GroupCapacity(
        group: directory, totalBytes: space.total.bytes, freeBytes: space.free.bytes,
        foreignBytes: space.foreign.bytes, extentBytes: 1, volumes: try records.all().count)
    ]
  }
}

// MARK: - Steps

extension DirectoryEngine {
  private nonisolated func path(of name: VolumeName) -> String { "\(directory)/volumes/\(name)" }

  private func kind(of path: String) throws(VolumeError) -> FileKind? {
    try reporting("looking at", path) { () throws(SystemError) in try Files.kind(of: path) }
  }

  private func stored(
    _ name: VolumeName, instance: String, size: ByteCount, _ ownership: StoredVolume.Ownership, createdAt: Timestamp?
  ) -> StoredVolume {
    StoredVolume(
      name: name, instance: instance, location: .directory(path(of: name)), size: size, group: directory,
      ownership: ownership, isActive: true, createdAt: createdAt)
  }

  private func require(_ volume: StoredVolume) throws(VolumeError) -> StoredVolume {
    guard let current = try self.volume(volume.name), current.instance == volume.instance else {
      throw VolumeError(.notFound, "volume \(volume.name) is no longer in \(directory)")
    }
    return current
  }

  /// What is written in directories can not be told from other use of the disk without walking them, so it counts as
  /// promised only: a full disk refuses early rather than late.
  private func space() throws(VolumeError) -> DiskSpace {
    let promised = try records.all().reduce(ByteCount.zero) { $0 + ByteCount($1.sizeBytes) }
    return try DiskSpace(of: directory, promised: promised, written: .zero)
  }

  private func finishRemovals() throws(VolumeError) {
    let names = try reporting("listing", directory) { () throws(SystemError) in try Files.list(directory) }
    for name in names where name.hasPrefix("removing-") {
      try reporting("removing", "\(directory)/\(name)") { () throws(SystemError) in
        try Files.removeTree("\(directory)/\(name)")
      }
    }
  }
}

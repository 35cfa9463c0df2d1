internal import LinuxSystem
package import StorageModel

/// Volumes as sparse image files on loop devices: sized volumes without LVM, for kind and laptops.
///
/// Concurrency: an actor on a thread of its own; its calls block on the disk.
package actor FileEngine: VolumeEngine {
  package nonisolated let kind = EngineKind.file
  private nonisolated let directory: String
  private nonisolated let records: RecordStore
  private nonisolated let recorder = FlightRecorder()
  private nonisolated let executor = SerialThreadExecutor(name: "images")

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  package nonisolated var activity: EngineActivity { recorder.snapshot }

  /// Images are made in `directory`, their records in `directory/records`.
  package init(directory: String) {
    self.directory = directory
    records = RecordStore(directory: directory + "/records")
  }

  /// Sizes are rounded up to this: what loop devices and every file system divide by.
  private static let unit = ByteCount.mebibytes(1)

  package func start() throws(VolumeError) {
    try reporting("preparing", directory) { () throws(SystemError) in
      try Files.makeDirectories(directory, mode: 0o700)
    }
    try records.prepare()
    try removeRecordsWithoutImage()
    try detachUnusedLoops()
  }

  package func volume(_ name: VolumeName) throws(VolumeError) -> StoredVolume? {
    let image = image(of: name)
    guard case .file? = try kind(of: image) else { return nil }
    let size = try size(of: image)
    guard let record = try records.record(of: name) else {
      return stored(
        name, instance: "", size: size, ownership: .foreign(adoptable: true, kind: "disk image"), createdAt: nil)
    }
    return stored(
      name, instance: record.instance, size: size, ownership: .ours(record.marks),
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
    try refuseGroup(request.group)
    let size = try Self.roundedUp(request.size)
    try requireRoom(for: size, name: request.name)
    recorder.begin("create \(request.name)")
    do {
      // The record first: an image without one would be foreign, and nobody could ever remove it.
      try records.write(
        VolumeRecord(
          volume: request.name.text, creation: request.creation.text, claim: request.claim?.text, isRetained: false,
          sizeBytes: size.bytes, createdAt: WallClock.now().seconds, instance: request.creation.text))
      try reporting("making image", image(of: request.name)) { () throws(SystemError) in
        try Files.makeSparse(image(of: request.name), size: size, mode: 0o600)
      }
    } catch {
      recorder.end(name: "create", returnCode: 1, succeeded: false, messages: error.message)
      try discard(request.name)
      throw error
    }
    recorder.end(name: "create", returnCode: 0, succeeded: true, messages: "")
    guard let made = try volume(request.name) else {
      throw VolumeError(.internal, "image of volume \(request.name) has vanished while it was being made")
    }
    return .changed(made)
  }

  package func activate(_ volume: StoredVolume) throws(VolumeError) -> Outcome<StoredVolume> {
    var volume = try require(volume)
    if volume.isActive { return .unchanged(volume) }
    let image = image(of: volume.name)
    let device = try reporting("attaching a loop device to", image) { () throws(SystemError) in
      try LoopDevice.attach(image: image)
    }
    volume.location = .device(device)
    volume.isActive = true
    return .changed(volume)
  }

  /// Detaches the loop device. The kernel keeps one that is still open or mounted until its last user is gone.
  package func release(_ name: VolumeName) throws(VolumeError) {
    let image = image(of: name)
    guard Files.exists(image) else { return }
    try reporting("detaching the loop device of", image) { () throws(SystemError) in
      if let device = try LoopDevice.find(image: image) { try LoopDevice.detach(device) }
    }
  }

  package func extend(_ volume: StoredVolume, to size: ByteCount) throws(VolumeError) -> Outcome<StoredVolume> {
    let current = try require(volume)
    _ = try current.requireOurs(to: "resize")
    let target = try Self.roundedUp(size)
    guard target > current.size else {
      // The image may have been grown by a call that was interrupted before the loop device noticed.
      try refreshLoop(volume.name)
      return .unchanged(current)
    }
    guard var record = try records.record(of: volume.name) else { return .unchanged(current) }
    try requireRoom(for: target - current.size, name: volume.name)
    record.sizeBytes = target.bytes
    try records.write(record)
    try reporting("growing image", image(of: volume.name)) { () throws(SystemError) in
      try Files.growSparse(image(of: volume.name), to: target)
    }
    try refreshLoop(volume.name)
    return .changed(try require(volume))
  }

  package func adopt(_ volume: StoredVolume, claim: ClaimUID?) throws(VolumeError) -> Outcome<StoredVolume> {
    let current = try require(volume)
    if current.marks != nil { return .unchanged(current) }
    try records.write(
      VolumeRecord(
        volume: volume.name.text, creation: nil, claim: claim?.text, isRetained: false, sizeBytes: current.size.bytes,
        createdAt: WallClock.now().seconds, instance: Self.freshInstance()))
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
    try release(volume.name)
    try discard(volume.name)
    return .changed(volume)
  }

  package func capacity() throws(VolumeError) -> [GroupCapacity] {
    let space = try space()
    return [
      GroupCapacity(
        group: directory, totalBytes: space.total.bytes, freeBytes: space.free.bytes,
        foreignBytes: space.foreign.bytes, extentBytes: Self.unit.bytes, volumes: try records.all().count)
    ]
  }
}

// MARK: - Steps

extension FileEngine {
  private nonisolated func image(of name: VolumeName) -> String { "\(directory)/\(name).img" }

  private static func freshInstance() -> String {
    var generator = SystemRandomNumberGenerator()
    return CreationToken(using: &generator).text
  }

  private static func roundedUp(_ size: ByteCount) throws(VolumeError) -> ByteCount {
    if let size = size.roundedUp(to: unit) { return size }
    throw VolumeError(.invalid, "a size of \(size) is too large")
  }

  private func refuseGroup(_ group: VolumeGroupName?) throws(VolumeError) {
    if let group {
      throw VolumeError(
        .invalid, "volume group \(quoted(group.text)) was asked for, but this node makes volumes as files")
    }
  }

  private func kind(of path: String) throws(VolumeError) -> FileKind? {
    try reporting("looking at", path) { () throws(SystemError) in try Files.kind(of: path) }
  }

  private func size(of image: String) throws(VolumeError) -> ByteCount {
    try reporting("reading the size of", image) { () throws(SystemError) in try Files.use(of: image).size }
  }

  private func stored(
    _ name: VolumeName, instance: String, size: ByteCount, ownership: StoredVolume.Ownership, createdAt: Timestamp?
  ) -> StoredVolume {
    let device = try? LoopDevice.find(image: image(of: name))  // none, or no loop driver: not active
    return StoredVolume(
      name: name, instance: instance, location: .device(device ?? ""), size: size, group: directory,
      ownership: ownership, isActive: device != nil, createdAt: createdAt)
  }

  private func require(_ volume: StoredVolume) throws(VolumeError) -> StoredVolume {
    guard let current = try self.volume(volume.name), current.instance == volume.instance else {
      throw VolumeError(.notFound, "volume \(volume.name) is no longer in \(directory)")
    }
    return current
  }

  private func space() throws(VolumeError) -> DiskSpace {
    var promised = ByteCount.zero
    var written = ByteCount.zero
    for record in try records.all() {
      promised = promised + ByteCount(record.sizeBytes)
      let image = image(of: try VolumeName(record.volume))
      guard Files.exists(image) else { continue }
      written =
        written + (try reporting("reading", image) { () throws(SystemError) in try Files.use(of: image).allocated })
    }
    return try DiskSpace(of: directory, promised: promised, written: written)
  }

  private func requireRoom(for size: ByteCount, name: VolumeName) throws(VolumeError) {
    let free = try space().free
    guard size <= free else {
      throw VolumeError(
        .noSpace,
        "volume \(name): \(directory) has \(free) free for new volumes, \(size) requested, \(size - free) missing")
    }
  }

  private func refreshLoop(_ name: VolumeName) throws(VolumeError) {
    try reporting("telling the loop device the size of", image(of: name)) { () throws(SystemError) in
      if let device = try LoopDevice.find(image: image(of: name)) { try LoopDevice.refreshSize(device) }
    }
  }

  /// Image, then record: a record alone is swept at start, an image alone would stay for ever.
  private func discard(_ name: VolumeName) throws(VolumeError) {
    try reporting("removing", image(of: name)) { () throws(SystemError) in try Files.removeDurably(image(of: name)) }
    try records.remove(name)
  }

  /// A crash between record and image leaves a record: nothing was made yet.
  private func removeRecordsWithoutImage() throws(VolumeError) {
    for record in try records.all() {
      let name = try VolumeName(record.volume)
      if try kind(of: image(of: name)) == nil { try records.remove(name) }
    }
  }

  /// A crash can leave a loop device attached that nobody mounted. One in use survives: see ``release(_:)``.
  private func detachUnusedLoops() throws(VolumeError) {
    let loops = try reporting("listing loop devices of", directory) { () throws(SystemError) in try LoopDevice.all() }
    for loop in loops where loop.backingFile.hasPrefix(directory + "/") {
      try reporting("detaching", loop.device) { () throws(SystemError) in
        if try !BlockDevice.isHeldElsewhere(loop.device) { try LoopDevice.detach(loop.device) }
      }
    }
  }
}

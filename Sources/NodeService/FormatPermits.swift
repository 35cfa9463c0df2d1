internal import JSON
internal import LinuxSystem
package import StorageModel
package import LogicalVolumes

/// The permission to format one volume, once.
///
/// Written durably before the volume is created, removed durably before its first mount. A volume may be formatted only
/// while a permit with its creation token exists. So a device that looks blank because its first blocks were lost is
/// never taken for a new one. A permit that is found at start shows an interrupted creation. Its volume was never
/// mounted, so the creation can be undone safely.
package struct FormatPermit: Sendable, Hashable {
  package let volume: VolumeName
  package let creation: CreationToken
  package var progress: Progress

  /// The minimum progress of the volume's creation.
  package enum Progress: String, Sendable, CaseIterable {
    /// The volume may exist, with the data of a former volume at the same place. None of it is ours.
    case planned
    /// The volume exists and contains nothing of a former volume. mkfs has not begun.
    case cleared
    /// mkfs may have begun. The volume contains nothing, an incomplete file system, or an empty one that was never
    /// used.
    case formatting
  }
}

/// The permits of this node: a directory with one small file each. All calls block for the disk.
package struct FormatPermits: Sendable {
  private let directory: String

  package init(directory: String) { self.directory = directory }

  /// Creates the directory and removes the remains of interrupted writes.
  ///
  /// - Throws: ``VolumeError`` if the directory cannot be used.
  package func prepare() throws(VolumeError) {
    try converting("preparing \(directory)") { () throws(SystemError) in
      try Files.makeDirectories(directory, mode: 0o700)
      try Files.removeTemporaries(in: directory)
    }
  }

  /// The permit of a volume; nil when there is none.
  ///
  /// - Throws: `internal` if the file is not a valid permit of this volume or cannot be read.
  package func permit(for volume: VolumeName) throws(VolumeError) -> FormatPermit? {
    let path = path(of: volume)
    guard Files.exists(path) else { return nil }
    let bytes = try converting("reading \(path)") { () throws(SystemError) in try Files.readAll(path) }
    guard let permit = FormatPermit(decoding: bytes, of: volume) else {
      // Not written by us, so it permits neither to format nor to remove a volume.
      throw VolumeError(.internal, "\(path) is not a valid permit. Check the file and remove it")
    }
    return permit
  }

  /// The volumes that have a permit, even an unreadable one.
  ///
  /// - Throws: ``VolumeError`` if the directory cannot be read.
  package func volumes() throws(VolumeError) -> [VolumeName] {
    let files = try converting("listing \(directory)") { () throws(SystemError) in try Files.list(directory) }
    // A file without a volume's name is not ours.
    return files.filter { $0.hasSuffix(Self.suffix) }.compactMap {
      try? VolumeName(String($0.dropLast(Self.suffix.count)))
    }
  }

  /// Writes a permit, durably.
  ///
  /// - Throws: `internal` if it cannot be written.
  package func write(_ permit: FormatPermit) throws(VolumeError) {
    do {
      try Files.writeDurably(permit.encoded(), to: path(of: permit.volume), mode: 0o600)
    } catch {
      throw VolumeError(.internal, "the permit to format volume \(permit.volume) cannot be written", cause: error)
    }
  }

  /// Removes a permit, durably. A permit that does not exist is not an error.
  ///
  /// - Throws: ``VolumeError`` if the file cannot be removed.
  package func remove(_ volume: VolumeName) throws(VolumeError) {
    try converting("removing \(path(of: volume))") { () throws(SystemError) in
      try Files.removeDurably(path(of: volume))
    }
  }

  private static let suffix = ".json"

  private func path(of volume: VolumeName) -> String { "\(directory)/\(volume)\(Self.suffix)" }
}

extension FormatPermit {
  /// The permit of one volume from its file. Nil for bytes that we would not have written, for example another volume's
  /// permit.
  init?(decoding bytes: [UInt8], of volume: VolumeName) {
    var members: [String: String?] = [:]
    do throws(JSONSyntaxError) {
      var json = try JSONReader(strict: bytes)
      guard let found = try json.members() else { return nil }
      try json.end()
      for (key, value) in found { members[key] = value }
    } catch {
      return nil
    }
    guard let name = members["volume"] ?? nil, name.utf8.elementsEqual(volume.text.utf8),
      let creation = (members["creation"] ?? nil).flatMap({ CreationToken($0) }),
      let progress = (members["progress"] ?? nil).flatMap({ Progress(rawValue: $0) })
    else { return nil }
    self.init(volume: volume, creation: creation, progress: progress)
  }

  /// The bytes of its file.
  func encoded() -> [UInt8] {
    JSONValue.members([
      "volume": .string(volume.text), "creation": .string(creation.text), "progress": .string(progress.rawValue),
    ]).encoded
  }
}

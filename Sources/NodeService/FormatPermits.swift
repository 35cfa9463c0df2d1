internal import JSON
internal import LinuxSystem
package import StorageModel
package import LogicalVolumes

/// The leave to format one volume, once.
///
/// Written durably before the volume is made, removed durably before it is mounted for the first time. So a volume may
/// be formatted only while a permit with its creation token exists: a device that looks blank because its first blocks
/// were lost is never taken for a fresh one. And a permit found at start tells what was interrupted: such a volume was
/// never mounted by anybody, so it can be undone without a doubt.
package struct FormatPermit: Sendable, Hashable {
  package let volume: VolumeName
  package let creation: CreationToken
  package var progress: Progress

  /// How far the making of the volume has come, at least.
  package enum Progress: String, Sendable, CaseIterable {
    /// The volume may be there, with whatever a former tenant of its place left: nothing of it is ours.
    case planned
    /// The volume is there and holds nothing of a former tenant's, and mkfs has not begun.
    case cleared
    /// mkfs may have begun: the volume holds nothing, half a file system, or an empty one that nobody has seen.
    case formatting
  }
}

/// The permits of this node: a directory with a small file each. Blocks on the disk.
package struct FormatPermits: Sendable {
  private let directory: String

  package init(directory: String) { self.directory = directory }

  /// Makes the directory and clears what interrupted writes left.
  package func prepare() throws(VolumeError) {
    try converting("preparing \(directory)") { () throws(SystemError) in
      try Files.makeDirectories(directory, mode: 0o700)
      try Files.removeTemporaries(in: directory)
    }
  }

  package func permit(for volume: VolumeName) throws(VolumeError) -> FormatPermit? {
    let path = path(of: volume)
    guard Files.exists(path) else { return nil }
    let bytes = try converting("reading \(path)") { () throws(SystemError) in try Files.readAll(path) }
    guard let permit = FormatPermit(decoding: bytes, of: volume) else {
      // Not a word of ours, so nothing may be formatted by it, and nothing removed.
      throw VolumeError(.internal, "\(path) is no permit; look at it and remove it")
    }
    return permit
  }

  /// The volumes that have a permit, one that cannot be read too.
  package func volumes() throws(VolumeError) -> [VolumeName] {
    let files = try converting("listing \(directory)") { () throws(SystemError) in try Files.list(directory) }
    // What has no volume's name was not put here by us.
    return files.filter { $0.hasSuffix(Self.suffix) }.compactMap {
      try? VolumeName(String($0.dropLast(Self.suffix.count)))
    }
  }

  package func write(_ permit: FormatPermit) throws(VolumeError) {
    do {
      try Files.writeDurably(permit.encoded(), to: path(of: permit.volume), mode: 0o600)
    } catch {
      throw VolumeError(.internal, "the permit to format volume \(permit.volume) cannot be written", cause: error)
    }
  }

  package func remove(_ volume: VolumeName) throws(VolumeError) {
    try converting("removing \(path(of: volume))") { () throws(SystemError) in
      try Files.removeDurably(path(of: volume))
    }
  }

  private static let suffix = ".json"

  private func path(of volume: VolumeName) -> String { "\(directory)/\(volume)\(Self.suffix)" }
}

extension FormatPermit {
  /// The permit of one volume as it was read. Nil for what we would not have written, another volume's permit too.
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

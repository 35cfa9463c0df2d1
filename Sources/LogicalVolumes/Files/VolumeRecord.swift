internal import FoundationEssentials
internal import LinuxSystem
internal import StorageModel

/// What LVM keeps in tags, the file and directory engines keep in a record beside the volume.
struct VolumeRecord: Codable, Sendable {
  var volume: String
  var creation: String?
  var claim: String?
  var isRetained: Bool
  var sizeBytes: UInt64
  /// Seconds since 1970.
  var createdAt: Int64
  /// Tells this volume from another of the same name, made later.
  var instance: String

  var marks: StoredVolume.Marks {
    StoredVolume.Marks(
      claim: claim.flatMap { ClaimUID($0) }, creation: creation.flatMap { CreationToken($0) }, isRetained: isRetained)
  }
}

/// Records of one engine: a directory of small JSON files, each written durably before the volume it speaks of.
///
/// Not synchronised: its engine's actor owns it. Blocks on the disk.
struct RecordStore: Sendable {
  let directory: String

  func prepare() throws(VolumeError) {
    try reporting("preparing", directory) { () throws(SystemError) in
      try Files.makeDirectories(directory, mode: 0o700)
      try Files.removeTemporaries(in: directory)
    }
  }

  func record(of name: VolumeName) throws(VolumeError) -> VolumeRecord? {
    let path = path(of: name)
    guard Files.exists(path) else { return nil }
    let bytes = try reporting("reading", path) { () throws(SystemError) in try Files.readAll(path) }
    do {
      return try JSONDecoder().decode(VolumeRecord.self, from: Data(bytes))
    } catch {
      throw VolumeError(
        .internal, "\(path) is no record of ours; look at it and repair or remove it", cause: error)
    }
  }

  func all() throws(VolumeError) -> [VolumeRecord] {
    let names = try reporting("listing", directory) { () throws(SystemError) in try Files.list(directory) }
    var records: [VolumeRecord] = []
    for file in names where file.hasSuffix(Self.suffix) {
      let name = try VolumeName(String(file.dropLast(Self.suffix.count)))
      if let record = try record(of: name) { records.append(record) }
    }
    return records
  }

  func write(_ record: VolumeRecord) throws(VolumeError) {
    let name = try VolumeName(record.volume)
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      try Files.writeDurably(Array(try encoder.encode(record)), to: path(of: name), mode: 0o600)
    } catch {
      throw VolumeError(.internal, "the record of volume \(name) can not be written", cause: error)
    }
  }

  func remove(_ name: VolumeName) throws(VolumeError) {
    try reporting("removing", path(of: name)) { () throws(SystemError) in try Files.removeDurably(path(of: name)) }
  }

  private static let suffix = ".json"

  private func path(of name: VolumeName) -> String { "\(directory)/\(name)\(Self.suffix)" }
}

/// Runs a system call's wrapper and turns its failure into a volume's.
func reporting<Value>(
  _ activity: String, _ subject: String, _ body: () throws(SystemError) -> Value
) throws(VolumeError) -> Value {
  do {
    return try body()
  } catch {
    let code: VolumeError.Code = error.errno == .noSpace ? .noSpace : error.errno == .busy ? .inUse : .internal
    throw VolumeError(code, "\(activity) \(subject): \(error)", cause: error)
  }
}

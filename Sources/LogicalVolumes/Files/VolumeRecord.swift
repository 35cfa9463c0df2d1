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

extension VolumeRecord {
  /// The record of one volume as it was read. Nil for what we would not have written: what is no JSON, another volume's
  /// record, and words that are none of ours. Its claim and its instance say what may be removed, so nothing is guessed.
  init?(decoding bytes: [UInt8], of name: VolumeName) {
    guard let record = try? JSONDecoder().decode(VolumeRecord.self, from: Data(bytes)),  // no JSON, or another object
      record.volume.utf8.elementsEqual(name.text.utf8), CreationToken(record.instance) != nil,
      record.creation.map({ CreationToken($0) != nil }) ?? true, record.claim.map({ ClaimUID($0) != nil }) ?? true
    else { return nil }
    self = record
  }

  /// The bytes of its file.
  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return Array(try encoder.encode(self))
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
    guard let record = VolumeRecord(decoding: bytes, of: name) else {
      throw VolumeError(
        .internal, "\(path) is no record of ours of volume \(name); look at it and repair or remove it")
    }
    return record
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
      try Files.writeDurably(try record.encoded(), to: path(of: name), mode: 0o600)
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

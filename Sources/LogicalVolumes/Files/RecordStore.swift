internal import LinuxSystem
internal import StorageModel

/// The records of one engine: a directory of small JSON files. Each is written durably before its volume is created.
///
/// Not synchronized; its engine's actor owns it. All calls block for the disk.
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
        .internal, "\(path) is not a valid record of volume \(name). Check the file, and repair or remove it")
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
      try Files.writeDurably(record.encoded(), to: path(of: name), mode: 0o600)
    } catch {
      throw VolumeError(.internal, "the record of volume \(name) cannot be written", cause: error)
    }
  }

  func remove(_ name: VolumeName) throws(VolumeError) {
    try reporting("removing", path(of: name)) { () throws(SystemError) in try Files.removeDurably(path(of: name)) }
  }

  private static let suffix = ".json"

  private func path(of name: VolumeName) -> String { "\(directory)/\(name)\(Self.suffix)" }
}

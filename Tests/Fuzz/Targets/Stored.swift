internal import LinuxSystem
@testable internal import LogicalVolumes
@testable internal import NodeService
internal import StorageModel
internal import Telemetry

/// What we have written ourselves and somebody else may have changed: files of the daemon's, tags of LVM's. By it volumes are
/// formatted and removed.
extension FuzzTarget {
  private static func name() throws(Violation) -> VolumeName {
    try mustSucceed("a name") { try VolumeName("pvc-K") }
  }

  /// A permit to format: only one for this volume counts, and what is written of it is read as the same.
  static let permit = FuzzTarget("permit", maximumLength: 256) { bytes throws(Violation) in
    let volume = try name()
    guard let permit = FormatPermit(decoding: bytes, of: volume) else { return }
    try hold(permit.volume == volume && holds(bytes, permit.creation.text), "a permit from nowhere: \(permit)")
    try hold(holds(bytes, permit.progress.rawValue), "progress from nowhere: \(permit)")
    let written = permit.encoded()
    try hold(FormatPermit(decoding: written, of: volume) == permit, "\(permit) is written as another")
    let other = try mustSucceed("a name") { try VolumeName("pvc-k") }
    try hold(FormatPermit(decoding: bytes, of: other) == nil, "a permit for two volumes")
  }

  /// The record of a volume of the file engines.
  static let volumeRecord = FuzzTarget("volume-record", maximumLength: 384) { bytes throws(Violation) in
    let volume = try name()
    guard let record = VolumeRecord(decoding: bytes, of: volume) else { return }
    try hold(record.volume.isSame(volume.text), "another volume's record: \(record)")
    // It becomes a part of a path, when the volume is removed.
    try hold(CreationToken(record.instance) != nil && record.instance.isVisibleASCII, "instance of \(record)")
    try hold((record.marks.creation == nil) == (record.creation == nil), "creation of \(record)")
    try hold((record.marks.claim == nil) == (record.claim == nil), "claim of \(record)")
    let created = Timestamp(seconds: record.createdAt)
    try hold(!created.description.isEmpty && !ByteCount(record.sizeBytes).description.isEmpty, "no words for \(record)")
    let age = Timestamp(seconds: 1_700_000_000) - created
    try hold(age > .zero || record.createdAt >= 1_700_000_000, "age \(age) of \(record)")
    let written = record.encoded()
    guard let again = VolumeRecord(decoding: written, of: volume) else {
      throw Violation(description: "\(record) is not read again")
    }
    try hold("\(again)".isSame("\(record)"), "\(record) becomes \(again)")
  }

  /// The tags of a logical volume: ours only with our tag, and no mark that does not stand there.
  static let volumeTags = FuzzTarget("volume-tags", maximumLength: 256) { bytes throws(Violation) in
    let text = String(decoding: bytes, as: UTF8.self)
    let tags = text.split(separator: ",")
    let isOurs = tags.contains { $0.isSame(VolumeTags.product) }
    let marks = VolumeTags.marks(in: tags)
    try hold((marks != nil) == isOurs, "ours: \(String(describing: marks)) of \(tags)")
    if let name = VolumeTags.volumeName(in: tags) {
      try hold(isOurs && tags.contains { $0.isSame("elastic-local/volume=\(name)") }, "name \(name) of \(tags)")
    }
    guard let marks else { return }
    if let claim = marks.claim?.text {
      try hold(only("elastic-local/claim=", claim, in: tags), "claim \(claim) of \(tags)")
    }
    if let creation = marks.creation?.text {
      try hold(only("elastic-local/creation=", creation, in: tags), "creation \(creation) of \(tags)")
    }
    let written = VolumeTags.tags(volume: try name(), claim: marks.claim, creation: marks.creation)
    let all = written.map { Substring($0) } + (marks.isRetained ? [Substring(VolumeTags.retained)] : [])
    try hold(VolumeTags.marks(in: all) == marks, "\(marks) is written as \(all)")
  }

  /// Whether this value, and no other, stands there with a prefix.
  private static func only(_ prefix: String, _ value: String, in tags: [Substring]) -> Bool {
    let values = tags.filter { $0.utf8.starts(with: prefix.utf8) }
    return !values.isEmpty && values.allSatisfy { $0.isSame(prefix + value) }
  }

  /// The head of a request to the page server.
  static let pageRequest = FuzzTarget("page-request", maximumLength: 256) { bytes throws(Violation) in
    guard let request = PageRequest(head: bytes) else {
      return try hold(!bytes.elementsEqual("GET /metrics HTTP/1.1\r\n\r\n".utf8), "a request as it should be")
    }
    try hold(request.path.isVisibleASCII && !request.path.isEmpty, "path \(request.path.debugDescription)")
    try hold(bytes.starts(with: "GET \(request.path) HTTP/".utf8), "path \(request.path) is not in the request")
  }

  private static func holds(_ bytes: [UInt8], _ word: String) -> Bool {
    // JSON may write any character as \u and its number.
    if bytes.contains(UInt8(ascii: "\\")) { return true }
    let word = Array(word.utf8)
    return bytes.indices.dropLast(word.count - 1).contains { bytes[$0...].starts(with: word) }
  }
}

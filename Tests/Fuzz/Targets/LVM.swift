internal import LinuxSystem
@testable internal import LogicalVolumes
internal import StorageModel

extension FuzzTarget {
  /// LVM's report of one group. What is believed of a volume is enough for what would be done to it.
  static let lvmReport = FuzzTarget("lvm-report", maximumLength: 1536) { bytes throws(Violation) in
    let lines = bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    let state: GroupState
    do throws(VolumeError) {
      state = try GroupState(report: LVMReport(lines: lines), of: try VolumeGroupName("fixture"))
    } catch {
      try hold(error.code == .internal || error.code == .notFound, "refused as \(error.code)")
      return try holdOneLine(error.message)
    }
    try hold(state.volumes.allSatisfy { $0.key == $0.value.name }, "volumes under other names")
    try hold(state.ours <= ByteCount(.max), "ours")
    for volume in state.volumes.values { try check(volume, in: state) }
  }

  private static func check(_ volume: GroupState.Volume, in state: GroupState) throws(Violation) {
    if volume.isThin { try hold(state.virtualSize(ofPool: volume.pool) >= volume.size, "virtual size") }
    try hold(volume.createdAt?.description.isEmpty != true, "time")
    if !volume.areTagsKnown { try hold(volume.marks == nil && !volume.isPlain, "\(volume.name) with cut tags is ours") }
    if volume.formerName != nil { try hold(volume.marks == nil && !volume.isPlain, "\(volume.name), renamed, is ours") }
    try hold(!volume.kindDescription.isEmpty, "no words for \(volume.name)")
    // Names with characters that LVM does not have reach no command.
    guard let name = try? VolumeName(volume.name) else { return }
    try hold(name.text.isVisibleASCII && name.text.isSame(volume.name), "name \(volume.name)")
    let command = LVMCommand.remove(name, in: state.name, uuid: volume.uuid)
    try hold(command.line.contains("lv_uuid=\(volume.uuid)&&lv_tags=elastic-local&&"), "selection \(command)")
    try hold(command.line.split(separator: " ").map(String.init) == command.words, "words of \(command)")
  }

  /// The first block of a physical volume, the header of its metadata area and the text there: a sequence number, or nil.
  static let lvmMetadata = FuzzTarget("lvm-metadata", maximumLength: 4096) { bytes throws(Violation) in
    if let area = MetadataSequence.firstMetadataArea(in: bytes) {
      try hold(area.offset > 0, "an area at 0")
      if let text = MetadataSequence.committedText(in: Array(bytes.suffix(512)), of: area) {
        try hold(text.offset > area.offset && text.offset - area.offset < area.size, "text outside of its area")
        try hold(MetadataSequence.freeMetadata(of: area, with: text).bytes <= area.size / 2, "room")
      }
    }
    let uuid = "PGlyI0-V3tN-i56E-nn2M-Iq63-8OYN-CbJ04J"
    guard let sequence = MetadataSequence.sequence(in: bytes, group: "fixture", uuid: uuid) else { return }
    try hold(bytes.starts(with: "fixture {\nid = \"\(uuid)\"\n".utf8), "another group's sequence number")
    let line = Array("\nseqno = \(sequence)\n".utf8)
    let isThere = bytes.indices.dropLast(line.count - 1).contains { bytes[$0...].starts(with: line) }
    try hold(isThere, "sequence number \(sequence) is not in the text")
  }
}

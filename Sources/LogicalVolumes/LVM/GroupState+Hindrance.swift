internal import StorageModel

extension GroupState {
  /// Why LVM creates no volume in the group, however much space is free; nil if it does.
  var hindrance: GroupTrouble? { changeHindrance ?? creationHindrance }

  /// Why LVM refuses all changes of the group; nil if it does not.
  var changeHindrance: GroupTrouble? {
    if isExported {
      return trouble(
        .exported, "is exported, so LVM neither activates nor changes its volumes; import it with vgimport \(name)")
    }
    if !duplicateDisks.isEmpty {
      return trouble(
        .duplicateDisk,
        "has a disk that is there twice (\(duplicateDisks.joined(separator: ", ")) and a copy of it), so LVM neither activates "
          + "nor changes its volumes; take the copy away, or hide it with a filter or the devices file (lvmdevices)")
    }
    let missing = disks.filter(\.isMissing)
    if !missing.isEmpty {
      return trouble(
        .incomplete,
        "lacks \(missing.count) of its \(disks.count) disks (\(missing.map(\.uuid).joined(separator: ", "))), so LVM changes "
          + "nothing in it; bring the disk back. If LVM still calls it missing then: vgextend --restoremissing \(name) DEVICE"
      )
    }
    if isReadOnly { return trouble(.readOnly, "is marked read-only in its metadata, so LVM changes nothing in it") }
    return nil
  }

  private var creationHindrance: GroupTrouble? {
    if volumeLimit > 0, volumeCount >= volumeLimit {
      return trouble(
        .volumeLimit,
        "holds \(volumeCount) volumes and allows \(volumeLimit); vgchange -l 0 \(name) removes the limit")
    }
    if metadataFree < Self.metadataReserve {
      return trouble(
        .metadataFull,
        "has \(metadataFree) free in its metadata area of \(metadataSize), which is too little for another volume; remove "
          + "volumes, or add a disk with a larger area (docs/runbook/ElasticLocalMetadataAreaNearlyFull.md)")
    }
    if free == .zero, closed > .zero {
      return trouble(
        .notAllocatable,
        "has \(closed) free, all of it on disks that may not be allocated from (pvs shows no a); pvchange -x y DEVICE "
          + "allows it")
    }
    return nil
  }

  /// Reserved so that volumes can still be marked and removed. The metadata of a volume take less than 1 KiB.
  private static let metadataReserve = ByteCount.kibibytes(2)

  private func trouble(_ reason: GroupTrouble.Reason, _ what: String) -> GroupTrouble {
    GroupTrouble(reason, "volume group \"\(name)\" \(what)")
  }
}

internal import LinuxSystem
internal import StorageModel

/// A group's state, and the means to check whether it is still valid.
struct KnownGroup: Sendable {
  var state: GroupState
  /// Readers of the sequence number, one per physical volume with metadata; empty if none can be read.
  var sequences: [MetadataSequence]
  var readAt: Duration
  var surroundings: Surroundings
  var thinUse: ThinFill?

  /// The use and condition of the thin pool when the kernel was last asked.
  struct ThinFill: Sendable {
    var data: Double?
    var metadata: Double?
    /// See ``ThinPoolUse/complaint``.
    var complaint: String?
    var readAt: Duration
    var devicesFiles: DevicesFiles?

    /// Reads a row of LVM's report. LVM reports "unknown" for an inactive thin pool, because the kernel has no state of
    /// it.
    init(_ row: [String: String], readAt: Duration) {
      (data, metadata) = (row["data_percent"].flatMap { Double($0) }, row["metadata_percent"].flatMap { Double($0) })
      self.readAt = readAt
      let (health, check) = (row["lv_health_status"] ?? "", row["lv_check_needed"] ?? "unknown")
      let isUnknown = check == "unknown" && health.isEmpty
      complaint = isUnknown ? nil : [health, check].filter { !$0.isEmpty && $0 != "unknown" }.joined(separator: ", ")
    }
  }

  /// Whether the group's metadata on disk match the state, and its disks are present. Two small reads, no LVM command.
  /// The return of a disk changes no metadata, so a state with a missing disk is fresh for a moment only.
  func isFresh(_ surroundings: Surroundings) -> Bool {
    if surroundings != self.surroundings { return false }
    if state.changeHindrance != nil, MonotonicClock.now() - readAt >= LVMEngine.retryPause { return false }
    let isUnchanged = sequences.prefix(2).allSatisfy {
      $0.current(of: state.name.text, uuid: state.uuid) == state.sequence
    }
    return !sequences.isEmpty && isUnchanged
      && state.disks.allSatisfy { $0.isMissing || (try? BlockDevice.number(of: $0.path)) != nil }  // nil: it is gone
  }
}

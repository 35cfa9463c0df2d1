internal import StorageModel

extension LVMSession.Result {
  /// The failure of a command as an error to branch on.
  ///
  /// The library has one return code for all failures of processing, so its message has to be read too; wording of lvm2
  /// 2.03.16. A message that is not known is `internal` and quoted whole.
  func failure(_ activity: String) -> VolumeError {
    if let lock = lockHeldElsewhere {
      return VolumeError(
        .unavailable,
        "\(activity): another LVM command has held the lock \(lock) for \(Int(LVMEngine.lockPatience.inSeconds)) s; it is tried "
          + "again. fuser -v \(lock) shows which process that is")
    }
    if text.contains("volume_list activation filter") {
      return VolumeError(.unavailable, "\(activity): \(LVMEngine.leftOutByVolumeList)")
    }
    let lowered = text.lowercased()
    for (phrase, code) in Self.phrases where lowered.contains(phrase) {
      return VolumeError(code, "\(activity): LVM says: \(text)")
    }
    return VolumeError(.internal, "\(activity): LVM failed with code \(returnCode): \(text)")
  }

  /// Whether the failure is that several groups have the name.
  var saysDuplicateNames: Bool { text.contains("Multiple VGs found with the same name") }

  /// Whether the failure is that the group carries the system ID of another host.
  var saysForeignSystem: Bool { text.contains("with system ID") }

  /// UUIDs of physical volumes of which LVM found more than one device (lvm2 `lib/cache/lvmcache.c`: "Not using device … for
  /// PV UUID.").
  var duplicateDisks: Set<String> {
    Set(
      messages.filter { $0.contains("Not using device") }.compactMap { message in
        message.split(separator: " ").last.map { String($0.filter { $0 != "." }) }
      })
  }

  /// The lock file that somebody else has locked (lvm2 `lib/locking/file_locking.c`, `wait_for_locks=0`); nil for another
  /// failure.
  var lockHeldElsewhere: String? {
    guard !succeeded else { return nil }
    for message in messages {
      guard let end = message.firstRange(of: ": flock failed: Resource temporarily unavailable")?.lowerBound else {
        continue
      }
      return String(message[..<end].drop { $0 == " " })
    }
    return nil
  }

  /// Whether the failure is that the volume exists.
  var saysExists: Bool { text.contains("already exists in volume group") }

  /// Whether the kernel's thin pool has no device of the number that LVM has for a volume (dm-thin: `ENODATA`).
  var saysNoThinDevice: Bool { text.contains("No data available") }

  private static let phrases: [(String, VolumeError.Code)] = [
    ("insufficient free space", .noSpace),
    ("insufficient suitable allocatable extents", .noSpace),
    ("insufficient suitable contiguous", .noSpace),
    ("is too large for", .noSpace),
    ("failed to write vg", .noSpace),
    ("maximum number of logical volumes", .unavailable),
    ("duplicate pv devices", .unavailable),
    ("appear on duplicate devices", .unavailable),
    ("is exported", .unavailable),
    ("while pvs are missing", .unavailable),
    ("with system id", .unavailable),
    ("multiple vgs found", .unavailable),
    ("is read-only", .unavailable),
    ("can be resized only while inactive", .inUse),
    ("in use", .inUse),
    ("is used by another device", .inUse),
    ("failed to find logical volume", .notFound),
    ("not found", .unavailable),
    ("can't get lock", .unavailable),
    ("device-mapper", .unavailable),
    ("not activated", .unavailable),
    ("partial", .unavailable),
  ]
}

extension String {
  fileprivate func contains(_ phrase: String) -> Bool {
    let needle = Array(phrase.utf8)
    let haystack = Array(utf8)
    guard haystack.count >= needle.count else { return false }
    return (0...(haystack.count - needle.count)).contains { start in
      haystack[start..<(start + needle.count)].elementsEqual(needle)
    }
  }
}

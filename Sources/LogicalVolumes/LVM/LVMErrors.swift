internal import StorageModel

extension LVMSession.Result {
  /// Converts a command's failure to an error.
  ///
  /// The library has one return code for all failures of processing, so its message is read too, with the wording of
  /// lvm2 2.03.16. An unknown message becomes `internal` and is quoted whole.
  func failure(_ activity: String) -> VolumeError {
    if let lock = lockHeldElsewhere {
      return VolumeError(
        .unavailable,
        "\(activity): another LVM command has held the lock \(lock) for \(Int(LVMEngine.lockPatience.inSeconds)) s. "
          + "The call is retried. fuser -v \(lock) shows which process holds it")
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

  /// Whether the command failed because several groups have the name.
  var saysDuplicateNames: Bool { text.contains("Multiple VGs found with the same name") }

  /// Whether the command failed because the group carries the system ID of another host.
  var saysForeignSystem: Bool { text.contains("with system ID") }

  /// UUIDs of physical volumes for which LVM found more than one device (lvm2 `lib/cache/lvmcache.c`: "Not using device
  /// … for PV UUID.").
  var duplicateDisks: Set<String> {
    Set(
      messages.filter { $0.contains("Not using device") }.compactMap { message in
        message.split(separator: " ").last.map { String($0.filter { $0 != "." }) }
      })
  }

  /// The lock file that another program has locked (lvm2 `lib/locking/file_locking.c`, `wait_for_locks=0`); nil for
  /// other failures.
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

  /// Whether the command failed because the volume exists.
  var saysExists: Bool { text.contains("already exists in volume group") }

  /// Whether the kernel's thin pool has no device with the number in LVM's metadata (dm-thin: `ENODATA`).
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

/// Which operations are going on, and when those that failed may be tried again: 0.5 s after the first failure, then twice
/// as long each time, up to two minutes and a bit.
struct Operations {
  /// What excludes what.
  struct Key: Hashable {
    let volume: UniqueVolumeName
    /// Nil for operations on the device, which exclude all others of the volume.
    let pod: String?
  }

  private struct Entry {
    var kind: OperationKind
    var isRunning = true
    var failedAt = Duration.zero
    var pause = Duration.zero
  }

  private var entries: [Key: Entry] = [:]
  private let longestPause: Duration

  private static let firstPause = Duration.milliseconds(500)

  init(version: KubernetesVersion) { longestPause = version.longestPause }

  /// Whether an operation may start.
  enum Permit: Equatable {
    case now
    case after(Duration)
    /// Another one of this volume is going on.
    case never
  }

  func permit(_ kind: OperationKind, _ key: Key, at now: Duration) -> Permit {
    let isBusy = entries.contains { other, entry in
      entry.isRunning && other.volume == key.volume && (other.pod == nil || key.pod == nil || other.pod == key.pod)
    }
    if isBusy { return .never }
    guard let entry = entries[key], entry.kind == kind else { return .now }
    let ready = entry.failedAt + entry.pause
    return ready <= now ? .now : .after(ready)
  }

  mutating func begin(_ kind: OperationKind, _ key: Key) {
    // Another kind of operation starts with a clean sheet.
    if entries[key]?.kind != kind { entries[key] = nil }
    entries[key, default: Entry(kind: kind)].isRunning = true
  }

  /// How an operation ended.
  enum Ending {
    case done
    case failed
    /// Its plugin was missing: looked for again at the next beat.
    case notStarted
  }

  mutating func end(_ key: Key, _ ending: Ending, at now: Duration) {
    guard ending != .done, var entry = entries[key] else {
      entries[key] = nil
      return
    }
    entry.isRunning = false
    entry.failedAt = now
    if ending == .failed {
      entry.pause = entry.pause < Self.firstPause ? Self.firstPause : min(entry.pause * 2, longestPause)
    } else {
      entry.pause = .milliseconds(1)
    }
    entries[key] = entry
  }

  /// Forgets failures of a volume that nobody cares about any more.
  mutating func forget(_ volume: UniqueVolumeName) {
    entries = entries.filter { $0.key.volume != volume || $0.value.isRunning }
  }
}

/// What is done to a volume.
enum OperationKind: Hashable {
  case verify
  case attach
  case mount
  case unmount
  case unmountDevice
  case detach
  case expand
}

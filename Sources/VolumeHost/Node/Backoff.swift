/// The running operations, and when failed ones may be retried: 0.5 s after the first failure, then twice as long each
/// time, up to about two minutes.
struct Operations {
  /// The key of an operation. Operations with overlapping keys exclude each other.
  struct Key: Hashable {
    let volume: UniqueVolumeName
    /// Nil for operations on the device. They exclude all other operations of the volume.
    let pod: String?
  }

  fileprivate struct Entry {
    var key: Key
    var kind: OperationKind
    var isRunning = true
    var failedAt = Duration.zero
    var pause = Duration.zero
  }

  private var entries: [Entry] = []
  private let longestPause: Duration

  private static let firstPause = Duration.milliseconds(500)

  init(version: KubernetesVersion) { longestPause = version.longestPause }

  /// Whether an operation may start.
  enum Permit: Equatable {
    case now
    case after(Duration)
    /// Another operation of this volume is running.
    case never
  }

  func permit(_ kind: OperationKind, _ key: Key, at now: Duration) -> Permit {
    guard let entry = find(key).map({ entries[$0] }) else { return .now }
    if entry.isRunning { return .never }
    // The time must have passed, as in Kubernetes. An operation that takes no time is retried at the following beat.
    return entry.kind != kind || entry.ready < now ? .now : .after(entry.ready + .microseconds(1))
  }

  /// Records that an operation has started. It replaces the last operation with an overlapping key and inherits its
  /// back-off, unless that one is still waiting and of another kind: nestedpendingoperations of Kubernetes.
  mutating func begin(_ kind: OperationKind, _ key: Key, at now: Duration) {
    guard let index = find(key) else { return entries.append(Entry(key: key, kind: kind)) }
    if entries[index].ready >= now, entries[index].kind != kind {
      entries[index] = Entry(key: key, kind: kind)
    } else {
      entries[index].key = key
      entries[index].isRunning = true
    }
  }

  /// How an operation ended.
  enum Ending {
    case done
    case failed
    /// Its plugin was missing. It is retried at the next beat.
    case notStarted
  }

  mutating func end(_ key: Key, _ ending: Ending, at now: Duration) {
    guard let index = entries.firstIndex(where: { $0.key == key && $0.isRunning }) else { return }
    if ending == .done {
      entries.remove(at: index)
      return
    }
    entries[index].isRunning = false
    entries[index].failedAt = now
    if ending == .failed {
      let pause = entries[index].pause
      entries[index].pause = pause < Self.firstPause ? Self.firstPause : min(pause * 2, longestPause)
    } else {
      entries[index].pause = .milliseconds(1)
    }
  }

  /// Returns the operation with an overlapping key: the running one; otherwise the one for the same pod; otherwise the
  /// first.
  private func find(_ key: Key) -> Int? {
    let overlapping = entries.indices.filter { entries[$0].key.overlaps(key) }
    return overlapping.first { entries[$0].isRunning } ?? overlapping.first { entries[$0].key == key }
      ?? overlapping.first
  }

  /// Forgets the failures of a volume that is no longer needed.
  mutating func forget(_ volume: UniqueVolumeName) {
    entries.removeAll { $0.key.volume == volume && !$0.isRunning }
  }
}

extension Operations.Entry {
  fileprivate var ready: Duration { failedAt + pause }
}

extension Operations.Key {
  fileprivate func overlaps(_ other: Operations.Key) -> Bool {
    volume == other.volume && (pod == nil || other.pod == nil || pod == other.pod)
  }
}

/// The kinds of operation on a volume.
enum OperationKind: Hashable {
  case verify
  case attach
  case mount
  case unmount
  case unmountDevice
  case detach
  case expand
}

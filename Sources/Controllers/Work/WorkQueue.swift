/// The keys to be reconciled, with times: each key once, never twice at the same time, and with a growing delay after
/// failures.
///
/// Has neither clock nor threads. All times are of one monotonic clock.
package struct WorkQueue<Key: Hashable & Sendable>: Sendable {
  private struct Entry {
    var due: Duration?
    var isRunning = false
    /// When the present or last reconciliation began.
    var startedAt = Duration.zero
    /// Whether the key has changed during its reconciliation.
    var isStale = false
    var failures = 0
  }

  private let backoff: Backoff
  private var entries: [Key: Entry] = [:]
  /// Ordered by time, then by arrival. Entries whose time has changed are skipped when they come up.
  private var schedule = Heap()
  private var arrivals = 0

  package init(backoff: Backoff = Backoff()) { self.backoff = backoff }

  /// The number of keys that are due and have not begun.
  package func due(at now: Duration) -> Int { entries.values.count { $0.due.map { $0 <= now } ?? false } }

  /// The number of waiting keys, for a metric.
  package var waiting: Int { entries.values.count { $0.due != nil } }
  package var running: Int { entries.values.count { $0.isRunning } }

  /// When the running reconciliations began, the earliest first, without those that began before `time`.
  func starts(since time: Duration) -> [Duration] {
    entries.values.filter { $0.isRunning && $0.startedAt > time }.map(\.startedAt).sorted()
  }

  /// Adds a key, because something about it has changed. It is due now, even after failures.
  package mutating func add(_ key: Key, at now: Duration) {
    if entries[key]?.isRunning == true {
      entries[key]?.isStale = true
    } else if (entries[key]?.due ?? .seconds(Int64.max)) > now {
      setDue(key, now)
    }
  }

  /// Removes a key that is no longer of interest.
  package mutating func remove(_ key: Key) {
    guard entries[key]?.isRunning == true else {
      entries[key] = nil
      return
    }
    entries[key]?.isStale = false
    entries[key]?.due = nil
  }

  /// Takes the next key that is due. It counts as running until ``finish(_:_:at:chance:)``.
  package mutating func next(at now: Duration) -> Key? {
    while let first = schedule.first, first.time <= now {
      schedule.removeFirst()
      guard let entry = entries[first.key], !entry.isRunning, entry.due == first.time else { continue }
      entries[first.key]?.isRunning = true
      entries[first.key]?.startedAt = now
      entries[first.key]?.due = nil
      return first.key
    }
    return nil
  }

  /// When the next key is due; nil when none waits.
  package mutating func nextDue() -> Duration? {
    while let first = schedule.first {
      if let entry = entries[first.key], !entry.isRunning, entry.due == first.time { return first.time }
      schedule.removeFirst()
    }
    return nil
  }

  /// Records the end of a key's reconciliation.
  ///
  /// - Parameter chance: a random number from 0 to 1, for the jitter.
  package mutating func finish(_ key: Key, _ ending: Ending, at now: Duration, chance: Double) {
    guard var entry = entries[key], entry.isRunning else { return }
    let isStale = entry.isStale
    entry.isRunning = false
    entry.isStale = false
    switch ending {
    case .done, .again: entry.failures = 0
    case .failed: entry.failures += 1
    }
    entries[key] = entry
    switch ending {
    case _ where isStale: setDue(key, now)
    case .done: entries[key] = nil
    case .again(let delay): setDue(key, now + delay)
    case .failed: setDue(key, now + backoff.delay(afterFailures: entry.failures, chance: chance))
    }
  }

  private mutating func setDue(_ key: Key, _ time: Duration) {
    entries[key, default: Entry()].due = time
    arrivals += 1
    schedule.insert(.init(time: time, arrival: arrivals, key: key))
  }
}

extension WorkQueue {
  /// A binary heap with the earliest entry on top.
  private struct Heap {
    struct Item {
      var time: Duration
      var arrival: Int
      var key: Key

      func isBefore(_ other: Item) -> Bool { (time, arrival) < (other.time, other.arrival) }
    }

    private var items: [Item] = []

    var first: Item? { items.first }

    mutating func insert(_ item: Item) {
      items.append(item)
      var index = items.count - 1
      while index > 0, items[index].isBefore(items[(index - 1) / 2]) {
        items.swapAt(index, (index - 1) / 2)
        index = (index - 1) / 2
      }
    }

    mutating func removeFirst() {
      items.swapAt(0, items.count - 1)
      items.removeLast()
      var index = 0
      while true {
        let children = [2 * index + 1, 2 * index + 2].filter { $0 < items.count }
        guard let least = children.min(by: { items[$0].isBefore(items[$1]) }), items[least].isBefore(items[index])
        else { return }
        items.swapAt(index, least)
        index = least
      }
    }
  }
}

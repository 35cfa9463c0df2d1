internal import LinuxSystem

/// The load of one of the daemon's lanes.
package struct LaneLoad: Sendable, Hashable {
  /// The kind of work: `table`, `mount`, `unmount`, `look`, `tool`.
  package var work: String
  /// The volume group or disk of this lane; empty for the shared lanes.
  package var group: String
  package var limit: Int
  package var busy: Int
  package var waiting: Int
  /// The age of the oldest call in progress; zero when there is none.
  package var oldest: Duration

  package init(work: String, group: String, limit: Int, busy: Int, waiting: Int, oldest: Duration) {
    self.work = work
    self.group = group
    self.limit = limit
    self.busy = busy
    self.waiting = waiting
    self.oldest = oldest
  }

  /// Whether all volumes need this lane: the mount table, the directories of kubelet and of the daemon.
  package var isShared: Bool { group.isEmpty }
}

extension LaneLoad: CustomStringConvertible {
  /// `vg1: 12 of 128 calls (mount) have not returned, the oldest for 340 s; 3 wait`
  package var description: String {
    let name = isShared ? "shared" : group
    let waiting = waiting > 0 ? "; \(waiting) more are waiting" : ""
    return "\(name): \(busy) of at most \(limit) calls (\(work)) have not returned, the oldest for "
      + "\(oldest.components.seconds) s\(waiting)"
  }
}

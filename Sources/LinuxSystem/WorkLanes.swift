internal import Synchronization

/// Pools of threads for blocking calls: one for each kind of work and each disk or group of disks. A call that hangs in
/// one pool uses no thread of another.
package final class WorkLanes: Sendable {
  /// The key of a pool.
  package struct Lane: Hashable, Sendable {
    /// The kind of work.
    package let work: String
    /// The unit that hangs as a whole: a volume group or a disk. Empty for work that all share.
    package let group: String

    package init(work: String, group: String = "") {
      self.work = work
      self.group = group
    }
  }

  private let limit: @Sendable (Lane) -> Int
  private let pools = Mutex<[Lane: WorkerPool]>([:])

  /// - Parameter limit: returns the most threads of a lane.
  package init(limit: @escaping @Sendable (Lane) -> Int) { self.limit = limit }

  /// The pool of a lane. Created on first use and kept.
  package subscript(lane: Lane) -> WorkerPool {
    pools.withLock { pools in
      if let pool = pools[lane] { return pool }
      let pool = WorkerPool(name: lane.work, limit: limit(lane))
      pools[lane] = pool
      return pool
    }
  }

  /// The limit and the load of each lane, sorted by name.
  package var loads: [(lane: Lane, limit: Int, load: WorkerPool.Load)] {
    pools.withLock { $0 }.map { ($0.key, limit($0.key), $0.value.load) }.sorted {
      ($0.lane.work, $0.lane.group) < ($1.lane.work, $1.lane.group)
    }
  }
}

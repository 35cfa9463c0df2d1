internal import Synchronization

/// Pools of threads for calls that block, one for each kind of work and each disk or group of disks: what hangs in one
/// holds no thread of another.
package final class WorkLanes: Sendable {
  /// A pool's name.
  package struct Lane: Hashable, Sendable {
    /// The kind of work.
    package let work: String
    /// What hangs as a whole: a volume group, a disk; empty for what all share.
    package let group: String

    /// A name from its parts.
    package init(work: String, group: String = "") {
      self.work = work
      self.group = group
    }
  }

  private let limit: @Sendable (Lane) -> Int
  private let pools = Mutex<[Lane: WorkerPool]>([:])

  /// - Parameter limit: the most threads of a lane.
  package init(limit: @escaping @Sendable (Lane) -> Int) { self.limit = limit }

  /// The pool of a lane; made when it is asked for, and kept.
  package subscript(lane: Lane) -> WorkerPool {
    pools.withLock { pools in
      if let pool = pools[lane] { return pool }
      let pool = WorkerPool(name: lane.work, limit: limit(lane))
      pools[lane] = pool
      return pool
    }
  }

  /// How much each lane has to do, by name.
  package var loads: [(lane: Lane, limit: Int, load: WorkerPool.Load)] {
    pools.withLock { $0 }.map { ($0.key, limit($0.key), $0.value.load) }.sorted {
      ($0.lane.work, $0.lane.group) < ($1.lane.work, $1.lane.group)
    }
  }
}

internal import NodeService
package import StorageModel
internal import Synchronization

/// What the calls of kubelet need to know of the cluster, kept by the reconciler.
package final class Knowledge: ClusterKnowledge {
  let node: String
  private let state = Mutex(State())

  private struct State {
    var instances: [String: String] = [:]
    var orphans: [VolumeName]?
    var hostname: String?
    var writes: (any NodeWrites)?
  }

  package init(node: String) { self.node = node }

  package func instance(madeFor volume: VolumeName) -> String? { state.withLock { $0.instances[volume.text] } }
  package var orphans: [VolumeName]? { state.withLock { $0.orphans } }

  package func setOrphans(_ new: [VolumeName]) { state.withLock { $0.orphans = new } }

  func setInstance(_ instance: String?, of volume: String) { state.withLock { $0.instances[volume] = instance } }

  /// From now on volumes can be pinned.
  func connect(_ writes: any NodeWrites, hostname: String) {
    state.withLock { state in
      state.writes = writes
      state.hostname = hostname
    }
  }

  var connection: (writes: (any NodeWrites)?, hostname: String?) { state.withLock { ($0.writes, $0.hostname) } }
}

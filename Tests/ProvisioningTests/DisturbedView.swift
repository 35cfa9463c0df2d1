import Controllers
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import Synchronization

@testable import Provisioning

/// A provisioner that leads and writes to an API server in memory, with lists and watches that are late, partial or
/// repeated.
///
/// The lists and watches are not the server's. A test sets which changes a watch has shown before the provisioner's
/// next step, and after which object a list breaks off. No server can be told that. The view shows what `ClusterCaches`
/// would show:
///
/// - each object's states in order
/// - after a list that breaks off, no object as gone
/// - after a complete list, all objects that it lacks as gone; a watch then continues from there
///
/// `APIServerTests` uses the server's own lists and watches.
final class DisturbedView: Sendable {
  let allocator: Allocator
  let provisioner: Provisioner
  private let cluster: ClaimWorld
  /// How much of the cluster's history has been shown, and which PVs and nodes the provisioner knows from it.
  private let shown = Mutex(Shown())
  private let work: [Task<Void, Never>]

  private struct Shown {
    var position = 0
    var volumes: Set<String> = []
    var nodes: Set<String> = []
  }

  /// Begins to lead, after complete lists.
  init(of cluster: ClaimWorld, time: any Timekeeper, nodes: [String: NodeStorage]) async {
    self.cluster = cluster
    let writes = cluster.writes(time: time)
    let allocator = Allocator(writes: writes, time: time)
    let provisioner = Provisioner(
      writes: writes, allocator: allocator, kept: .unused,
      configuration: .init(parallelism: 4, nodeGrace: .seconds(60)), time: time,
      log: { _ in })
    self.allocator = allocator
    self.provisioner = provisioner
    work = [Task { await allocator.run() }, Task { await provisioner.run() }]
    await provisioner.storageClass("elastic-local", Samples.storageClass())
    for (name, storage) in nodes { await provisioner.storage(of: name, storage) }
    await listAll()
    await provisioner.becomeSynced()
  }

  /// Stops to lead like `LeaderElection` requires it: no request is in progress when this returns.
  func end() async {
    for task in work { task.cancel() }
    for task in work { await task.value }
  }

  /// Shows the next change of a watch.
  func watch(_ count: Int) async {
    let history = cluster.look { $0.history }
    let next = shown.withLock { shown in
      defer { shown.position = min(shown.position + count, history.count) }
      return history[shown.position...].prefix(count)
    }
    for change in next { await show(change) }
  }

  /// Shows a list of PVs that breaks off after some of them, because the watch has lost its place.
  func listSome(_ count: Int) async {
    for (name, volume) in cluster.look({ $0.volumes.sorted { $0.key < $1.key }.prefix(count) }) {
      await show(.volume(name, volume))
    }
  }

  /// Shows complete lists of everything.
  func listAll() async {
    await provisioner.beginVolumeList()
    let truth = cluster.look { $0 }
    let known = shown.withLock { shown in
      shown.position = truth.history.count
      return shown
    }
    for (name, node) in truth.nodes { await show(.node(name, node)) }
    for name in known.nodes.subtracting(truth.nodes.keys) { await show(.node(name, nil)) }
    for (key, claim) in truth.claims { await show(.claim(key, claim)) }
    for key in await provisioner.claims.keys where truth.claims[key] == nil { await show(.claim(key, nil)) }
    for (name, volume) in truth.volumes { await show(.volume(name, volume)) }
    for name in known.volumes.subtracting(truth.volumes.keys) { await show(.volume(name, nil)) }
    await provisioner.endVolumeList()
  }

  private func show(_ change: ClaimTruth.Change) async {
    switch change {
    case .volume(let name, let volume):
      record(name, volume != nil, \.volumes)
      await provisioner.volume(name, volume)
    case .claim(let key, let claim): await provisioner.claim(key, claim)
    case .node(let name, let node):
      record(name, node != nil, \.nodes)
      await provisioner.node(name, node?.metadata.labels)
    }
  }

  private func record(_ name: String, _ isThere: Bool, _ kind: WritableKeyPath<Shown, Set<String>>) {
    shown.withLock { shown in
      if isThere { shown[keyPath: kind].insert(name) } else { shown[keyPath: kind].remove(name) }
    }
  }
}

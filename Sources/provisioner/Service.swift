import CommandLineTool
import Controllers
import KeptVolumes
import KubernetesAPI
import LinuxSystem
import Pools
import Provisioning
import StorageLedger
import StorageModel
import Synchronization
import Telemetry

/// One replica: waits until it leads, provisions, and waits again after it has lost the lead.
final class Service: Sendable {
  private let configuration: Configuration
  private let api: APIAccess
  private let host: ControllerHost
  private let tasks: TaskWatch
  /// Nil while this replica does not lead.
  private let provisioner = Mutex<Provisioner?>(nil)
  private let keeper = Mutex<KeptVolumeKeeper?>(nil)
  private let pools = Mutex<PoolControllers?>(nil)

  init(
    _ configuration: Configuration, _ log: Log, _ writer: LineWriter, _ tasks: TaskWatch
  ) throws(VolumeError) {
    self.configuration = configuration
    self.tasks = tasks
    api = try APIAccess(
      configuration.connection, component: "elastic-local-provisioner", log: log, complaint: "list or watch failed")
    let election = try LeaderElection(
      lease: ObjectKey(namespace: configuration.namespace, name: configuration.lease),
      candidate: configuration.identity, duration: configuration.leaseDuration)
    host = ControllerHost(api, election: election, lastEvents: .seconds(2)) {
      // Another replica may lead in a moment, so this one must end now.
      writer.flush(within: .milliseconds(100))
      OwnProcess.kill9()
    }
  }

  /// Takes part in the election until the task is cancelled.
  func run() async { await host.run { [self] term in await lead(term) } }

  /// Works with pools if the API server has them, else without. When that changes, all work ends and begins anew, as with a new
  /// leader.
  private func lead(_ first: Term) async {
    var term: Term? = first
    guard var hasPools = await api.insist("pools", arePoolsServed) else { return }
    while !Task.isCancelled {
      api.log.notice("pools", ["served": "\(hasPools)"])
      let (current, isServed) = (term ?? Term(api.caches()), hasPools)
      term = nil
      await withDiscardingTaskGroup { group in
        let working = Task { await work(current, hasPools: isServed) }
        group.addTask { [self] in
          await awaitPools(served: !isServed)
          working.cancel()
        }
        await withTaskCancellationHandler {
          await working.value
        } onCancel: {
          working.cancel()
        }
        group.cancelAll()
      }
      hasPools.toggle()
    }
  }

  private func arePoolsServed() async throws(APIError) -> Bool { try await PoolCaches.areServed(by: api.client) }

  /// Returns when pools are served, or not, or when the task is cancelled.
  private func awaitPools(served wanted: Bool) async {
    while !Task.isCancelled {
      do throws(CancellationError) { try await api.client.time.sleep(for: Self.poolsInterval) } catch { return }
      if await api.insist("pools", arePoolsServed) == wanted { return }
    }
  }

  /// How soon custom resources that were applied, or removed, are noticed.
  private static let poolsInterval = Duration.seconds(60)

  /// Provisions during one term of leadership.
  private func work(_ term: Term, hasPools: Bool) async {
    let log = api.log
    let writes = APIWrites(client: api.client, events: api.events, namespace: configuration.namespace)
    let allocator = Allocator(writes: writes)
    let keptWrites = APIKeptVolumeWrites(client: api.client, events: api.events)
    let keeper = KeptVolumeKeeper(writes: keptWrites, log: log.write)
    let kept = KeptAccess(writes: keptWrites) { await keeper.isCondemned($0) }
    let provisioner = Provisioner(
      writes: writes, allocator: allocator, kept: kept, configuration: configuration.provisioner,
      log: log.write)
    let cluster = ClusterCaches(term.caches, namespace: configuration.namespace, hasPools: hasPools)
    cluster.feed(keeper)
    cluster.feed(provisioner)
    term.add(keeper, reading: cluster.all)
    term.add(provisioner, reading: cluster.all)
    addNamespaceVolumes(to: term, cluster)
    if hasPools { addPools(to: term, cluster, allocator) }
    self.keeper.withLock { $0 = keeper }
    self.provisioner.withLock { $0 = provisioner }
    await withDiscardingTaskGroup { group in
      group.addTask { await allocator.run() }
      await term.run()
      group.cancelAll()
    }
    self.provisioner.withLock { $0 = nil }
    self.keeper.withLock { $0 = nil }
    pools.withLock { $0 = nil }
  }

  private func addPools(to term: Term, _ cluster: ClusterCaches, _ allocator: Allocator) {
    let controllers = cluster.addPools(
      to: term, client: api.client, events: api.events, allocator: allocator, log: api.log.write)
    pools.withLock { $0 = controllers }
  }

  private func addNamespaceVolumes(to term: Term, _ cluster: ClusterCaches) {
    let writes = APINamespaceVolumeWrites(client: api.client, events: api.events)
    let keeper = NamespaceVolumeKeeper(view: cluster, writes: writes, log: api.log.write)
    cluster.feed(keeper)
    term.add(keeper, reading: cluster.all)
  }

  /// The page for an HTTP path; nil for an unknown path.
  func page(_ path: String) -> PageServer.Source? {
    host.page(path, tasks: tasks) { [self] in
      let snapshot = await provisioner.withLock { $0 }?.snapshot
      return ProvisionerMetrics(
        snapshot, await keeper.withLock { $0 }?.figures, await pools.withLock { $0 }?.figures,
        isLeading: host.isLeading,
        api: api.metrics, droppedLines: api.log.dropped
      ).text
    }
  }
}

import CommandLineTool
import Controllers
import KeptVolumes
import KubernetesAPI
import LinuxSystem
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

  /// Provisions during one term of leadership.
  private func lead(_ term: Term) async {
    let log = api.log
    let writes = APIWrites(client: api.client, events: api.events, namespace: configuration.namespace)
    let allocator = Allocator(writes: writes)
    let keptWrites = APIKeptVolumeWrites(client: api.client, events: api.events)
    let keeper = KeptVolumeKeeper(writes: keptWrites, log: log.write)
    let kept = KeptAccess(writes: keptWrites) { await keeper.isCondemned($0) }
    let provisioner = Provisioner(
      writes: writes, allocator: allocator, kept: kept, configuration: configuration.provisioner,
      log: log.write)
    let cluster = ClusterCaches(term.caches, namespace: configuration.namespace)
    cluster.feed(keeper)
    cluster.feed(provisioner)
    term.add(keeper, reading: cluster.all)
    term.add(provisioner, reading: cluster.all)
    addNamespaceVolumes(to: term, cluster)
    self.keeper.withLock { $0 = keeper }
    self.provisioner.withLock { $0 = provisioner }
    await withDiscardingTaskGroup { group in
      group.addTask { await allocator.run() }
      await term.run()
      group.cancelAll()
    }
    self.provisioner.withLock { $0 = nil }
    self.keeper.withLock { $0 = nil }
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
        snapshot, await keeper.withLock { $0 }?.figures, isLeading: host.isLeading, api: api.metrics,
        droppedLines: api.log.dropped
      ).text
    }
  }
}

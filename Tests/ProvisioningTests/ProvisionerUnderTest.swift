import Controllers
import KeptVolumes
import KubernetesAPI
import StorageLedger

@testable import Provisioning

/// The whole provisioner at an API server, with its lists, watches, Events and requests. The executable combines the
/// same parts.
struct ProvisionerUnderTest: Sendable {
  static let namespace = "elastic-local"

  let allocator: Allocator
  let keeper: KeptVolumeKeeper
  let provisioner: Provisioner
  private let events: EventRecorder
  private let term: Term

  init(
    _ transport: any APITransport, time: any Timekeeper, configuration: Provisioner.Configuration = .init()
  ) {
    let client = APIClient(transport, time: time)
    events = EventRecorder(client, component: "test")
    let writes = APIWrites(client: client, events: events, namespace: Self.namespace)
    let keptWrites = APIKeptVolumeWrites(client: client, events: events)
    let keeper = KeptVolumeKeeper(writes: keptWrites, time: time, log: { _ in })
    self.keeper = keeper
    allocator = Allocator(writes: writes, time: time)
    provisioner = Provisioner(
      writes: writes, allocator: allocator, kept: KeptAccess(writes: keptWrites) { await keeper.isCondemned($0) },
      configuration: configuration, time: time, log: { _ in })
    term = Term(Caches(client) { _, _, _ in })
    let cluster = ClusterCaches(term.caches, namespace: Self.namespace)
    cluster.feed(keeper)
    cluster.feed(provisioner)
    term.add(keeper, reading: cluster.all)
    term.add(provisioner, reading: cluster.all)
  }

  /// Works until the task is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await events.run() }
      group.addTask { await allocator.run() }
      group.addTask { await term.run() }
    }
  }
}

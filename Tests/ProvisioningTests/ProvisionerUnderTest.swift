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
  /// The number of its watches.
  let watches: Int
  private let events: EventRecorder
  private let term: Term

  /// - Parameter kept: the access to kept volumes; nil for the one that the executable uses.
  init(
    _ transport: any APITransport, time: any Timekeeper, configuration: Provisioner.Configuration = .init(),
    kept: KeptAccess? = nil, log: @escaping @Sendable (LogLine) -> Void = { _ in }
  ) {
    let client = APIClient(transport, time: time)
    events = EventRecorder(client, component: "test")
    let writes = APIWrites(client: client, events: events, namespace: Self.namespace)
    let keptWrites = APIKeptVolumeWrites(client: client, events: events)
    let keeper = KeptVolumeKeeper(writes: keptWrites, time: time, log: { _ in })
    self.keeper = keeper
    allocator = Allocator(writes: writes, time: time)
    provisioner = Provisioner(
      writes: writes, allocator: allocator,
      kept: kept ?? KeptAccess(writes: keptWrites) { await keeper.isCondemned($0) }, configuration: configuration,
      time: time, log: log)
    term = Term(Caches(client) { _, _, _ in })
    let cluster = ClusterCaches(term.caches, namespace: Self.namespace)
    watches = cluster.all.count
    cluster.feed(keeper)
    cluster.feed(provisioner)
    term.add(keeper, reading: cluster.all)
    term.add(provisioner, reading: cluster.all)
  }

  /// Works until the task is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await sendEvents() }
      group.addTask { await work() }
    }
  }

  /// Works until the task is cancelled, and sends no Events.
  func work() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await allocator.run() }
      group.addTask { await term.run() }
    }
  }

  /// Sends Events until the task is cancelled.
  func sendEvents() async { await events.run() }

  /// Waits until all Events recorded so far are sent.
  func drainEvents() async { await events.drain(within: .seconds(60_000)) }
}

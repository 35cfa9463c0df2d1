import CommandLineTool
import KubernetesAPI
import LinuxSystem
import Provisioning
import StorageLedger
import StorageModel
import Synchronization
import Telemetry

/// One candidate: waits to lead, works, and begins anew when it has lost the lead.
final class Service: Sendable {
  private let configuration: Configuration
  private let log: Log
  private let writer: LineWriter
  private let tasks: TaskWatch
  private let transport: CountingTransport
  private let client: APIClient
  private let events: EventRecorder
  private let election: LeaderElection
  private let state = Mutex(State())

  private struct State {
    /// While this one leads.
    var provisioner: Provisioner?
    var isLeading = false
    /// The API server has answered in the election.
    var hasBeenHeard = false
    var failures: [String: Int] = [:]
  }

  init(
    _ configuration: Configuration, _ log: Log, _ writer: LineWriter, _ tasks: TaskWatch
  ) throws(VolumeError) {
    self.configuration = configuration
    self.log = log
    self.writer = writer
    self.tasks = tasks
    do throws(TransportError) {
      transport = CountingTransport(try CurlTransport(configuration.connection))
    } catch {
      throw VolumeError(.invalid, "API server: \(error.message)", cause: error)
    }
    client = APIClient(transport)
    events = EventRecorder(client, component: "elastic-local-provisioner")
    var random = SystemRandomNumberGenerator()
    let duration = configuration.leaseDuration
    do throws(APIError) {
      election = try LeaderElection(
        lease: ObjectKey(namespace: configuration.namespace, name: configuration.lease),
        identity: "\(configuration.identity)_\(String(random.next(), radix: 16))", duration: duration,
        renewDeadline: duration * 2 / 3, retryPeriod: duration / 8)
    } catch {
      throw VolumeError(.invalid, error.message)
    }
  }

  /// Until the task is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { [events] in await events.run() }
      while !Task.isCancelled {
        let end = await LeaderElector(client, election, observer: { [self] in observe($0) }).run(
          endInTime: { [log, writer] in
            log.error("work does not end although the lease is lost; ending the process", [:])
            // Others may take over in a moment.
            writer.flush(within: .milliseconds(100))
            OwnProcess.kill9()
          }, work: { [self] in await lead() })
        if end == .stopped { break }
      }
      await events.drain(within: .seconds(2))
      group.cancelAll()
    }
  }

  private func lead() async {
    let log = log
    let writes = APIWrites(client: client, events: events, namespace: configuration.namespace)
    let allocator = Allocator(writes: writes)
    let provisioner = Provisioner(writes: writes, allocator: allocator, settings: configuration.settings) { line in
      if line.isWarning { log.warning(line.message, line.values) } else { log.notice(line.message, line.values) }
    }
    state.withLock { $0.provisioner = provisioner }
    let feed = ClusterFeed(client: client, namespace: configuration.namespace) { [self] part, error, wait in
      state.withLock { $0.failures[part, default: 0] += 1 }
      log.warning(
        "list or watch failed", ["part": part, "reason": error.description, "retryIn": "\(wait.inSeconds)s"])
    }
    await withDiscardingTaskGroup { group in
      group.addTask { await feed.run(provisioner) }
      group.addTask { await allocator.run() }
      group.addTask { await provisioner.run() }
    }
    state.withLock { $0.provisioner = nil }
    // What was known of 10,000 volumes is of no use any more.
    OwnProcess.returnFreeMemory()
  }

  private func observe(_ notice: LeaderElector.Notice) {
    state.withLock { state in
      switch notice {
      case .leading: (state.isLeading, state.hasBeenHeard) = (true, true)
      case .following: state.hasBeenHeard = true
      case .lost, .released: state.isLeading = false
      case .renewalFailed: break
      }
    }
    switch notice {
    case .leading: log.notice("leading", ["identity": election.identity])
    case .following(let holder): log.notice("following", ["leader": holder])
    case .renewalFailed(let error): log.warning("lease not renewed", ["reason": error.description])
    case .lost: log.warning("lease lost, work has been cancelled", [:])
    case .released: log.notice("lease given back", [:])
    }
  }

  // MARK: Pages

  func page(_ path: String) -> PageServer.Source? {
    switch path {
    // Alive: what does not end in time ends the process by itself.
    case "/healthz":
      let stalled = tasks.stalled
      return .now(
        stalled < .seconds(60)
          ? .init("ok\n") : .init(503, "tasks have not had their turn for \(stalled.components.seconds) s\n"))
    case "/readyz":
      let isReady = state.withLock { $0.hasBeenHeard }
      return .now(isReady ? .init("ok\n") : .init(503, "the API server has not answered yet\n"))
    case "/metrics": return .task { [self] in .init(await metrics()) }
    default: return nil
    }
  }

  private func metrics() async -> String {
    let (provisioner, isLeading, failures) = state.withLock { ($0.provisioner, $0.isLeading, $0.failures) }
    return ProvisionerMetrics(
      await provisioner?.snapshot, isLeading: isLeading, failures: failures, requests: transport.counts,
      droppedEvents: events.dropped, droppedLines: log.dropped
    ).text
  }
}

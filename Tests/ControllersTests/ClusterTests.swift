import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization
import TestSupport
import Testing

@Suite("Controllers with a real API server", .enabled(if: Cluster.isGiven))
struct ClusterTests {
  @Test("two candidates take turns on a real Lease, and the one that stops hands over")
  func election() async throws {
    let lease = ObjectKey(namespace: "default", name: Cluster.name("lease"))
    let working = Names()
    let following = Names()
    func candidate(_ identity: String) throws -> Task<LeaderElector.End, Never> {
      let election = try LeaderElection(
        lease: lease, identity: identity, duration: .seconds(90), renewDeadline: .seconds(60),
        retryPeriod: .milliseconds(300))
      let elector = LeaderElector(try Cluster.client(), election) { notice in
        if case .following = notice { following.insert(identity) }
      }
      return Task {
        await elector.run(endInTime: { fatalError("the work did not end") }) {
          working.insert(identity)
          while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(20)) }
          working.remove(identity)
        }
      }
    }
    let one = try candidate("one")
    #expect(await eventually { working.all == ["one"] })
    let two = try candidate("two")
    #expect(await eventually { following.all == ["two"] }, "the second has seen the lease of the first")
    #expect(working.all == ["one"])
    one.cancel()
    #expect(await one.value == .stopped)
    // Long before the lease would have run out.
    #expect(await eventually(within: .seconds(40)) { working.all == ["two"] })
    two.cancel()
    #expect(await two.value == .stopped)
    let left = try await Cluster.client().get(Lease.self, lease)
    #expect(left.holder == "" && left.transitions >= 1)
    try await Cluster.client().delete(Lease.resource, lease, uid: left.metadata.uid)
  }

  @Test("an Event of ours is found with its object, counted")
  func events() async throws {
    let client = try Cluster.client()
    let object = ObjectReference(
      apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: "default", name: Cluster.name("claim"),
      uid: "11111111-2222-3333-4444-555555555555")
    let recorder = EventRecorder(client, component: "elastic-local-test")
    let task = Task { await recorder.run() }
    for _ in 0..<3 { recorder.record(.insufficientStorage, on: object, "there is none") }
    await recorder.drain(within: .seconds(10))
    task.cancel()
    await task.value
    #expect(recorder.dropped == 0)
    var events: [Event] = []
    let selection = Selection(
      namespace: "default", fields: "involvedObject.uid=\(object.uid),involvedObject.name=\(object.name)")
    try await client.list(Event.self, selection) { events.append($0) }
    #expect(events.map(\.count) == [3] && events.first?.message == "there is none")
    for event in events { try await client.delete(Event.resource, event.metadata.key, uid: event.metadata.uid) }
  }
}

/// Who works at the moment.
private final class Names: Sendable {
  private let names = Mutex<Set<String>>([])
  var all: Set<String> { names.withLock { $0 } }
  func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }
  func remove(_ name: String) { names.withLock { _ = $0.remove(name) } }
}

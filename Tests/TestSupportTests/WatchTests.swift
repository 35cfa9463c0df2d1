import JSON
import KubernetesAPI
import StorageModel
import Synchronization
import TestSupport
import Testing

/// What a reflector makes of the server's watches, which is what they are for.
@Suite("Watches of the simulated API server", .timeLimit(.minutes(1)))
struct WatchTests {
  private let server = SimulatedAPIServer()

  private var client: APIClient { APIClient(server.undisturbed) }

  private func create(_ name: String, holder: String = "") async throws {
    var lease = Lease(metadata: ObjectMeta(name: name, namespace: "default"))
    lease.holder = holder
    _ = try await client.create(lease)
  }

  private func hold(_ name: String, _ holder: String) async throws {
    _ = try await client.patch(
      Lease.self, ObjectKey(namespace: "default", name: name), .merge(["spec": ["holderIdentity": .string(holder)]]))
  }

  private func delete(_ name: String) async throws {
    try await client.delete(Lease.resource, ObjectKey(namespace: "default", name: name), uid: "")
  }

  /// Runs the body beside a reflector, which sees what the server shows of it.
  private func following(
    _ server: SimulatedAPIServer, _ body: (Reflector<Lease, String>, Failures) async throws -> Void
  ) async throws {
    let failures = Failures()
    let reflector = Reflector<Lease, String>(
      APIClient(server, time: ManualTime(isHasty: true)), report: { error, _ in failures.record(error) }
    ) { $0.holder }
    let following = Task { await reflector.run { _ in } }
    #expect(await eventually { reflector.isSynced })
    try await body(reflector, failures)
    following.cancel()
    await following.value
  }

  private final class Failures: Sendable {
    private let errors = Mutex<[APIError]>([])

    var kinds: [APIError.Kind] { errors.withLock { $0.map(\.kind) } }
    func record(_ error: APIError) { errors.withLock { $0.append(error) } }
  }

  private func lists(_ server: SimulatedAPIServer) -> Int { server.requests.count { $0.contains("limit=") } }

  @Test("a watch goes on from its last version after it has ended, in good order or not, and nothing is listed again")
  func ends() async throws {
    try await create("a")
    try await following(server) { reflector, _ in
      for isBroken in [false, true] {
        server.endWatches(isBroken: isBroken)
        try await hold("a", "\(isBroken)")
        #expect(await eventually { reflector.values == ["\(isBroken)"] })
      }
      #expect(lists(server) == 1)
    }
  }

  @Test("a watch from before the history was forgotten is told so, and the reflector lists again")
  func expires() async throws {
    try await create("a")
    try await create("b")
    try await following(server) { reflector, failures in
      server.holdWatches()
      try await hold("a", "1")
      try await delete("b")
      server.compact()
      server.showWatches()
      #expect(await eventually { reflector.values == ["1"] })
      #expect(failures.kinds.contains(.expired) && lists(server) == 2)
    }
  }

  @Test("the next page of a list expires with the history")
  func pages() async throws {
    for name in ["a", "b"] { try await create(name) }
    func page(_ next: String) async throws -> (Int, JSONValue) {
      let reply = try await server.send(HTTPRequest(path: "/apis/coordination.k8s.io/v1/leases?limit=1\(next)"))
      return (reply.head.status, try JSONValue(parsing: try await reply.body.collect(limit: 1 << 20)))
    }
    let next = try await page("").1["metadata", "continue"]?.string ?? ""
    server.compact()
    let (status, body) = try await page("&continue=\(next)")
    #expect(status == 410 && body["reason"]?.string == "Expired")
  }

  @Test("held watches show nothing, then as much as they are let, in order")
  func held() async throws {
    try await create("a")
    try await following(server) { reflector, _ in
      server.holdWatches()
      for number in 1...3 { try await hold("a", "\(number)") }
      for number in 1...2 {
        server.showWatches(1)
        #expect(await eventually { reflector.values == ["\(number)"] })
      }
      try await create("b", holder: "b")
      server.showWatches()
      #expect(await eventually { Set(reflector.values) == ["3", "b"] })
    }
  }

  @Test("a bookmark lets a watch outlive the history of what it does not watch")
  func bookmarks() async throws {
    try await create("a")
    try await following(server) { reflector, _ in
      for number in 0..<10 {
        _ = try await client.create(CSIDriver(metadata: ObjectMeta(name: "driver-\(number)")))
      }
      server.sendBookmarks()
      try await hold("a", "1")
      #expect(await eventually { reflector.values == ["1"] })
      let last = server.requests.last { $0.contains("watch=1") } ?? ""
      server.endWatches()
      #expect(await eventually { server.requests.last { $0.contains("watch=1") } != last })
    }
    #expect(lists(server) == 1)
  }

  @Test(
    "a reflector has what is there in the end, whatever was lost, broken, held, refused and forgotten",
    arguments: 0..<20)
  func disturbed(seed: UInt64) async throws {
    var faults = Faults(seed: seed)
    (faults.lostBefore, faults.lostAfter, faults.unreachable) = (9, 9, 9)
    (faults.tooMany, faults.failing, faults.brokenWatch) = (9, 9, 5)
    let server = SimulatedAPIServer(faults: faults)
    let client = APIClient(server.undisturbed)
    var dice = Dice(seed: seed)
    try await following(server) { reflector, _ in
      for step in 0..<300 {
        let name = "lease-\(dice.next() % 5)"
        let key = ObjectKey(namespace: "default", name: name)
        switch dice.next() % 10 {
        case 0...2:
          var lease = Lease(metadata: ObjectMeta(name: name, namespace: "default"))
          lease.holder = "\(step)"
          _ = try? await client.create(lease)
        case 3...5:
          _ = try? await client.patch(Lease.self, key, .merge(["spec": ["holderIdentity": .string("\(step)")]]))
        case 6: try? await client.delete(Lease.resource, key, uid: "")
        case 7: server.endWatches(isBroken: dice.once(in: 2))
        case 8: if dice.once(in: 3) { server.compact() } else { server.holdWatches() }
        default: server.showWatches(dice.once(in: 2) ? nil : 2)
        }
        if dice.once(in: 4) { await Task.yield() }
      }
      server.showWatches()
      let truth = Set(server.objects(Lease.self).map(\.holder))
      #expect(await eventually { Set(reflector.values) == truth }, "seed \(seed): \(reflector.values), not \(truth)")
      #expect(reflector.count == truth.count)
    }
  }

  @Test("a watch is followed when its reader has dealt with all that it may see, and not before")
  func followed() async throws {
    let gate = AsyncStream<Void>.makeStream()
    let reflector = Reflector<Lease, String>(APIClient(server)) { $0.holder }
    let following = Task {
      await reflector.run { change in
        guard case .updated = change else { return }
        for await _ in gate.stream { return }
      }
    }
    #expect(await eventually { server.isFollowed(by: 1) })
    try await create("a")
    #expect(await eventually { reflector.count == 1 })
    #expect(!server.isFollowed(by: 1))
    gate.continuation.yield()
    #expect(await eventually { server.isFollowed(by: 1) })
    server.holdWatches()
    try await create("b")
    #expect(server.isFollowed(by: 1) && !server.isFollowed(by: 2))
    following.cancel()
    await following.value
  }
}

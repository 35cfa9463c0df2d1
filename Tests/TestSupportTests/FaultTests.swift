import KubernetesAPI
import StorageModel
import TestSupport
import Testing

@Suite("Faults of the simulated API server")
struct FaultTests {
  private func create(
    _ server: SimulatedAPIServer
  ) async -> (done: Bool, error: APIError?) {
    do throws(APIError) {
      let client = APIClient(server, time: ManualTime(isHasty: true), retry: RetryPolicy(attempts: 1))
      _ = try await client.create(Lease(metadata: ObjectMeta(name: "a", namespace: "default")))
      return (true, nil)
    } catch {
      return (false, error)
    }
  }

  private func isThere(_ server: SimulatedAPIServer) -> Bool { !server.objects(Lease.self).isEmpty }

  @Test("a request that is lost on its way leaves nothing, and its client does not know")
  func lostBefore() async {
    var faults = Faults()
    faults.lostBefore = 1
    let server = SimulatedAPIServer(faults: faults)
    #expect(await create(server).error?.mayHaveHappened == true)
    #expect(!isThere(server))
  }

  @Test("a request whose answer is lost is carried out, and its client does not know")
  func lostAfter() async {
    var faults = Faults()
    faults.lostAfter = 1
    let server = SimulatedAPIServer(faults: faults)
    #expect(await create(server).error?.mayHaveHappened == true)
    #expect(isThere(server))
  }

  @Test("a late request is carried out after its client has learnt nothing")
  func late() async {
    var faults = Faults()
    faults.late = 1
    let server = SimulatedAPIServer(faults: faults)
    #expect(await create(server).error?.mayHaveHappened == true)
    #expect(!isThere(server))
    server.carryOutLate()
    #expect(isThere(server))
  }

  @Test("no connection, and 429, are certain: nothing was carried out; 500 is not certain")
  func certain() async {
    for (keyPath, isCertain) in [
      (\Faults.unreachable, true), (\Faults.tooMany, true), (\Faults.failing, false),
    ] as [(WritableKeyPath<Faults, UInt64>, Bool)] {
      var faults = Faults()
      faults[keyPath: keyPath] = 1
      let server = SimulatedAPIServer(faults: faults)
      let error = await create(server).error
      #expect(error?.mayHaveHappened == !isCertain && error?.isTransient == true)
      #expect(!isThere(server))
    }
  }

  @Test("the same seed does the same, and another does not")
  func seeds() async {
    func outcomes(_ seed: UInt64) async -> [String] {
      var faults = Faults(seed: seed)
      (faults.lostBefore, faults.lostAfter, faults.tooMany) = (3, 3, 3)
      let server = SimulatedAPIServer(faults: faults)
      var result: [String] = []
      for _ in 0..<40 { result.append("\(await create(server).error?.kind as APIError.Kind?) \(isThere(server))") }
      return result
    }
    #expect(await outcomes(1) == outcomes(1))
    #expect(await outcomes(1) != outcomes(2))
  }

  @Test("reads are spared where that is wanted, and whoever is undisturbed always")
  func spared() async throws {
    var faults = Faults()
    (faults.lostBefore, faults.spareReads) = (1, true)
    let server = SimulatedAPIServer(faults: faults)
    _ = try await APIClient(server.undisturbed).create(Lease(metadata: ObjectMeta(name: "a", namespace: "default")))
    _ = try await APIClient(server).get(Lease.self, ObjectKey(namespace: "default", name: "a"))
    #expect(await create(server).error != nil)
  }

  // MARK: Scripts

  private let lease = Lease(metadata: ObjectMeta(name: "a", namespace: "default"))

  @Test("a script decides about the requests that it names, in order, and then about those behind them")
  func script() async throws {
    let server = SimulatedAPIServer()
    server.changeFaults {
      $0.scripts = [
        FaultScript("POST", Lease.resource, named: "other", then: .lostBefore),
        FaultScript("POST", Lease.resource, named: "a", [.unreachable], then: .rejected),
      ]
    }
    #expect(await create(server).error?.mayHaveHappened == false)
    let error = await create(server).error
    #expect(error?.message.contains("admission webhook says no") == true && error?.isTransient == false)
    #expect(server.faults.scripts.map(\.count) == [0, 2])
    _ = try await APIClient(server).create(Lease(metadata: ObjectMeta(name: "b", namespace: "default")))
  }

  @Test("a request that waits for a miss is carried out behind the answer that its object is not there")
  func lateBehindMiss() async throws {
    let server = SimulatedAPIServer()
    server.changeFaults { $0.scripts = [FaultScript("POST", Lease.resource, [.lateBehindMiss])] }
    #expect(await create(server).error?.mayHaveHappened == true)
    let client = APIClient(server, time: ManualTime(isHasty: true))
    _ = try? await client.get(Lease.self, ObjectKey(namespace: "default", name: "b"))
    #expect(!isThere(server))
    await #expect(throws: APIError.self) { try await client.get(Lease.self, lease.metadata.key) }
    #expect(isThere(server))
  }

  @Test("a request that is on its way arrives, also when its client gives up; reads are not slow")
  func delay() async throws {
    let server = SimulatedAPIServer()
    server.changeFaults { $0.delay = .seconds(600) }
    let creating = Task { await create(server).done }
    _ = try? await APIClient(server).get(Lease.self, lease.metadata.key)
    #expect(await eventually { server.requests.contains { $0.hasPrefix("POST") } })
    #expect(!isThere(server))
    creating.cancel()
    _ = await creating.value
    #expect(isThere(server))
  }
}

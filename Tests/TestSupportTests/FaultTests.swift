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
}

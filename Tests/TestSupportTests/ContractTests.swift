import KubernetesAPI
import Testing
import TestSupport

@Suite("The simulated API server keeps the contract")
struct ContractTests {
  @Test("a rule", arguments: APIServerContract.Rule.allCases)
  func rule(_ rule: APIServerContract.Rule) async throws {
    try await APIServerContract(SimulatedAPIServer(), word: "contract").check(rule)
  }

  @Test("the contract finds a server that does not keep it: one whose writes are not carried out")
  func broken() async throws {
    for rule in [APIServerContract.Rule.replaced, .merged, .deleted, .finalized] {
      await #expect(throws: APIServerContract.Broken.self) {
        try await APIServerContract(ForgetfulServer(), word: "contract").check(rule)
      }
    }
  }

  /// Answers a change or a deletion with the object as it was.
  private struct ForgetfulServer: APITransport {
    private let server = SimulatedAPIServer()

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply {
      guard ["PUT", "PATCH", "DELETE"].contains(request.method) else { return try await server.send(request) }
      return try await server.send(HTTPRequest(path: request.path))
    }
  }
}

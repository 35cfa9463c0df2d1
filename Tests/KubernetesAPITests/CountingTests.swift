import JSON
import StorageModel
import TestSupport
import Testing

@testable import KubernetesAPI

@Suite("Requests counted")
struct CountingTests {
  @Test(
    "a request is counted under the API server's own words",
    arguments: [
      ("GET", "/api/v1/persistentvolumes/pvc-1", "get", "persistentvolumes"),
      ("GET", "/api/v1/persistentvolumes?limit=250", "list", "persistentvolumes"),
      ("GET", "/api/v1/persistentvolumeclaims?watch=1&resourceVersion=7", "watch", "persistentvolumeclaims"),
      ("GET", "/apis/storage.k8s.io", "get", ""), ("GET", "/apis/storage.k8s.io/v1", "get", ""),
      ("GET", "/apis/storage.k8s.io/v1/storageclasses?labelSelector=watch%3D1", "list", "storageclasses"),
      ("POST", "/api/v1/namespaces/default/events", "create", "events"),
      ("PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/b", "update", "leases"),
      ("PATCH", "/api/v1/namespaces/a/persistentvolumeclaims/b/status", "patch", "persistentvolumeclaims/status"),
      ("DELETE", "/api/v1/persistentvolumes/namespaces", "delete", "persistentvolumes"),
    ])
  func kinds(_ method: String, _ path: String, _ verb: String, _ resource: String) {
    let kind = RequestKind(HTTPRequest(method: method, path: path), code: 200)
    #expect(kind.verb == verb)
    #expect(kind.resource == resource)
  }

  @Test("refusals, repeats and requests without a reply count as well, each under its status")
  func counted() async throws {
    let transport = CountingTransport(
      ScriptedTransport([
        .reply(503, status(503, "ServiceUnavailable")), .failure(TransportError(.broken, "the connection broke")),
        .reply(200, volume("v", version: 1)), .reply(409, status(409, "Conflict")),
      ]))
    let client = APIClient(transport, time: ManualTime(isHasty: true))
    _ = try await client.get(PersistentVolume.self, ObjectKey(name: "v"))
    await #expect(throws: APIError.self) {
      try await client.patch(PersistentVolume.self, ObjectKey(name: "v"), .merge([:]))
    }
    let counts = transport.counts.map { ("\($0.key.verb) \($0.key.resource) \($0.key.code ?? 0)", $0.value) }
    #expect(
      Dictionary(uniqueKeysWithValues: counts) == [
        "get persistentvolumes 503": 1, "get persistentvolumes 0": 1, "get persistentvolumes 200": 1,
        "patch persistentvolumes 409": 1,
      ])
  }
}

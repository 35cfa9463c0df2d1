import JSON
import KubernetesAPI
import StorageModel
import TestSupport
import Testing

@Suite("Client")
struct ClientTests {
  private let key = ObjectKey(name: "v")

  private func client(_ steps: [ScriptedTransport.Step]) -> (APIClient, ScriptedTransport, ManualTime) {
    let (transport, time) = (ScriptedTransport(steps), ManualTime(isHasty: true))
    return (APIClient(transport, time: time), transport, time)
  }

  @Test(
    "a refusal has the kind that callers branch on",
    arguments: [
      (404, "NotFound", .notFound), (409, "AlreadyExists", .alreadyExists), (409, "Conflict", .conflict),
      (422, "Invalid", .invalid), (400, "BadRequest", .badRequest), (403, "Forbidden", .forbidden),
      (401, "Unauthorized", .unauthorized), (410, "Expired", .expired), (410, "Gone", .expired), (418, "", .other),
    ] as [(Int, String, APIError.Kind)])
  func kinds(_ code: Int, _ reason: String, _ kind: APIError.Kind) async throws {
    let (client, transport, _) = client([.reply(code, status(code, reason))])
    let error = await #expect(throws: APIError.self) { try await client.get(PersistentVolume.self, key) }
    #expect(error?.kind == kind && error?.code == code && error?.mayHaveHappened == false)
    #expect(transport.requests.count == 1)
  }

  @Test("the causes of a refusal are named once")
  func causes() async throws {
    let details = #"{"causes":[{"reason":"FieldValueInvalid","field":"spec.capacity","message":"must be positive"}]}"#
    let (client, _, _) = client([.reply(422, status(422, "Invalid", "is invalid", details: details))])
    let error = await #expect(throws: APIError.self) { try await client.create(PersistentVolume()) }
    #expect(error?.causes.map(\.field) == ["spec.capacity"])
    #expect(error?.description.contains("is invalid (spec.capacity: must be positive)") == true)
  }

  @Test("a read is repeated with growing waits, and the last error is told")
  func readRepeated() async throws {
    let steps = Array(repeating: ScriptedTransport.Step.reply(503, status(503, "ServiceUnavailable")), count: 9)
    let (client, transport, time) = client(steps)
    let error = await #expect(throws: APIError.self) { try await client.get(PersistentVolume.self, key) }
    #expect(error?.kind == .unavailable && error?.description.contains("/api/v1/persistentvolumes/v") == true)
    #expect(transport.requests.count == 5)
    // Three quarters of 250 ms, 500 ms, 1 s and 2 s: chance is in the middle.
    #expect(time.waits == [.microseconds(187_500), .milliseconds(375), .milliseconds(750), .milliseconds(1500)])
  }

  @Test(
    "the delay in Retry-After or in the body is used, up to a bound",
    arguments: [
      (["retry-after": "4"], "{}", 3.0), ([:], #"{"retryAfterSeconds":8}"#, 6.0), (["retry-after": "9999"], "{}", 22.5),
    ])
  func retryAfter(_ fields: [String: String], _ details: String, _ seconds: Double) async throws {
    let (client, transport, time) = client([
      .reply(429, status(429, "TooManyRequests", details: details), fields),
      .reply(201, volume("v", version: 1)),
    ])
    // 429 says that nothing was done, so a create may be repeated.
    _ = try await client.create(PersistentVolume(metadata: ObjectMeta(name: "v")))
    #expect(time.waits == [.seconds(seconds)])
    #expect(transport.lines == ["POST /api/v1/persistentvolumes", "POST /api/v1/persistentvolumes"])
  }

  @Test("a write whose answer was lost is not repeated, and says that it may have happened")
  func lostAnswer() async throws {
    for step in [
      ScriptedTransport.Step.failure(TransportError(.broken, "b")), .failure(TransportError(.timedOut, "t")),
      .reply(500, status(500, "InternalError")), .reply(504, "<html>"), .reply(408, "<html>"),
    ] {
      let (client, transport, _) = client([step, .reply(201, volume("v", version: 1))])
      let error = await #expect(throws: APIError.self) { try await client.create(PersistentVolume()) }
      #expect(error?.mayHaveHappened == true && transport.requests.count == 1)
    }
  }

  @Test("a write that was never sent is retried")
  func neverSent() async throws {
    let (client, transport, _) = client([
      .failure(TransportError(.unreachable, "refused")), .reply(201, volume("v", version: 1)),
    ])
    _ = try await client.create(PersistentVolume())
    #expect(transport.requests.count == 2)
  }

  @Test("bodies: precondition of a merge patch, operations, preconditions of a delete")
  func bodies() async throws {
    let (client, transport, _) = client(Array(repeating: .reply(200, volume("v", version: 1)), count: 3))
    let metadata = ObjectMeta(name: "v", uid: "u", resourceVersion: "7")
    let merge = Patch.merge(["metadata": ["annotations": ["a/b": .null]]], ifStill: metadata)
    _ = try await client.patch(PersistentVolume.self, key, merge)
    let operations: [PatchOperation] = [
      .test("metadata", "annotations", "a/b~c", value: "x\"\n"), .remove("metadata", "annotations", "a/b~c"),
    ]
    _ = try await client.patch(PersistentVolume.self, key, .operations(operations), subresource: "status")
    try await client.delete(PersistentVolume.resource, key, uid: "u", resourceVersion: "7")
    let bodies = transport.requests.map { String(decoding: $0.body ?? [], as: UTF8.self) }
    #expect(bodies[0] == #"{"metadata":{"annotations":{"a/b":null},"resourceVersion":"7","uid":"u"}}"#)
    #expect(
      bodies[1] == #"[{"op":"test","path":"/metadata/annotations/a~1b~0c","value":"x\"\n"},"#
        + #"{"op":"remove","path":"/metadata/annotations/a~1b~0c"}]"#)
    #expect(bodies[2].contains(#""preconditions":{"uid":"u","resourceVersion":"7"}"#))
    #expect(transport.lines[1] == "PATCH /api/v1/persistentvolumes/v/status")
    #expect(transport.requests[0].contentType == "application/merge-patch+json")
  }

  @Test("a list whose pages expire starts anew")
  func expiredPage() async throws {
    let (client, transport, _) = client([
      .reply(200, list([volume("a", version: 1)], version: 5, next: "t+1")), .reply(410, status(410, "Expired")),
      .reply(200, list([volume("b", version: 6)], version: 6, next: "u")),
      .reply(200, list([volume("c", version: 6)], version: 6)),
    ])
    var names: [String] = []
    try await client.list(PersistentVolume.self, Selection(labels: "a=b,c")) { names.append($0.metadata.name) }
    #expect(names == ["a", "b", "c"])
    let query = "GET /api/v1/persistentvolumes?labelSelector=a%3Db%2Cc&limit=250"
    #expect(transport.lines == [query, "\(query)&continue=t%2B1", query, "\(query)&continue=u"])
  }

  @Test("the newest served version of a resource is found; a version of the group without the resource does not count")
  func discovery() async throws {
    let transport = ScriptedTransport { request, _ in
      switch request.path {
      case "/apis/storage.k8s.io":
        .reply(200, #"{"versions":[{"version":"v1"},{"version":"v1beta1"},{"version":"v1alpha1"}]}"#)
      case "/apis/storage.k8s.io/v1": .reply(200, #"{"resources":[{"name":"storageclasses"}]}"#)
      case "/apis/storage.k8s.io/v1beta1": .reply(404, status(404, "NotFound"))
      case "/apis/storage.k8s.io/v1alpha1": .reply(200, #"{"resources":[{"name":"csistoragecapacities"}]}"#)
      default: .reply(404, status(404, "NotFound"))
      }
    }
    let client = APIClient(transport, time: ManualTime(isHasty: true))
    let versions = ["v1", "v1beta1", "v1alpha1"]
    #expect(try await client.served(CSIStorageCapacity.resource, in: versions)?.version == "v1alpha1")
    #expect(try await client.served(StorageClass.resource, in: versions)?.version == "v1")
    #expect(try await client.served(Lease.resource, in: versions) == nil)
  }

  @Test("401 names the clocks when they differ, and the credentials when they do not")
  func unauthorized() async throws {
    // The manual clock stands at 2023-11-14T22:13:20Z.
    for (date, word) in [
      ("Tue, 14 Nov 2023 23:13:20 GMT", "difference of 60 minutes"), ("Tue, 14 Nov 2023 22:13:25 GMT", "clocks agree"),
    ] {
      let (client, _, _) = client([.reply(401, status(401, "Unauthorized"), ["date": date])])
      let error = await #expect(throws: APIError.self) { try await client.get(Node.self, key) }
      #expect(error?.kind == .unauthorized && error?.message.contains(word) == true, "\(error?.message ?? "")")
    }
  }
}

import Controllers
import JSON
import KubernetesAPI
import StorageModel
import TestSupport
import Testing

@Suite("Object writer")
struct ObjectWriterTests {
  private let seen = PersistentVolume(
    metadata: ObjectMeta(name: "a", uid: "u", resourceVersion: "7", finalizers: ["other", "ours"]))

  /// Runs `body` against answers in order, and returns the requests with their bodies.
  private func requests(
    _ steps: [ScriptedTransport.Step] = [.reply(200, "{}")],
    _ body: (ObjectWriter) async throws(WriteFailure) -> Void
  ) async throws -> [String] {
    let transport = ScriptedTransport(steps)
    try await body(ObjectWriter(APIClient(transport, time: ManualTime(isHasty: true))))
    return transport.requests.map { request in
      "\(request.method) \(request.path) \(String(decoding: request.body ?? [], as: UTF8.self))"
    }
  }

  private func failure(
    _ step: ScriptedTransport.Step, _ body: (ObjectWriter) async throws(WriteFailure) -> Void
  ) async -> WriteFailure.Kind? {
    do throws(WriteFailure) {
      let writer = ObjectWriter(
        APIClient(ScriptedTransport([step]), time: ManualTime(isHasty: true), retry: RetryPolicy(attempts: 1)))
      try await body(writer)
      return nil
    } catch {
      return error.kind
    }
  }

  @Test(
    "refusals, failed preconditions and lost answers have one vocabulary",
    arguments: [
      (.reply(409, status(409, "AlreadyExists")), .exists), (.reply(404, status(404, "NotFound")), .missing),
      (.reply(409, status(409, "Conflict")), .conflict),
      // How a server says that the test of a JSON patch has failed.
      (.reply(422, status(422, "Invalid")), .conflict),
      (.reply(422, status(422, "Invalid", details: #"{"causes":[{"field":"spec.x","message":"no"}]}"#)), .rejected),
      (.reply(403, status(403, "Forbidden")), .rejected), (.reply(429, status(429, "TooManyRequests")), .rejected),
      (.reply(500, status(500, "InternalError")), .unknown), (.failure(TransportError(.unreachable, "x")), .rejected),
      (.failure(TransportError(.broken, "x")), .unknown), (.reply(200, "no JSON"), .unknown),
    ] as [(ScriptedTransport.Step, WriteFailure.Kind)])
  func vocabulary(_ step: ScriptedTransport.Step, _ kind: WriteFailure.Kind) async {
    let found = await failure(step) { writer throws(WriteFailure) in
      try await writer.change(seen, ["spec": ["x": 1]])
    }
    #expect(found == kind)
  }

  @Test("a change of a read object carries its UID and its resource version")
  func asSeen() async throws {
    let sent = try await requests { writer throws(WriteFailure) in
      try await writer.change(seen, ["metadata": ["labels": ["x": "y"]]])
    }
    let body = #"{"metadata":{"labels":{"x":"y"},"resourceVersion":"7","uid":"u"}}"#
    #expect(sent == ["PATCH /api/v1/persistentvolumes/a \(body)"])
  }

  @Test("a change by tested fields tests the UID first, and the version not at all")
  func tested() async throws {
    let sent = try await requests { writer throws(WriteFailure) in
      try await writer.change(
        PersistentVolume.self, ObjectKey(name: "a"), uid: "u", if: [.test("spec", "x", value: 1)],
        [.replace("spec", "x", value: 2)])
    }
    let operations =
      #"[{"op":"test","path":"/metadata/uid","value":"u"},{"op":"test","path":"/spec/x","value":1},"#
      + #"{"op":"replace","path":"/spec/x","value":2}]"#
    #expect(sent == ["PATCH /api/v1/persistentvolumes/a \(operations)"])
  }

  @Test("a deletion is of exactly this object; a missing object is an error unless the call allows it")
  func deletion() async throws {
    let sent = try await requests([.reply(200, "{}"), .reply(200, "{}")]) { writer throws(WriteFailure) in
      try await writer.delete(seen)
      try await writer.remove(seen)
    }
    #expect(sent[0].hasSuffix(#""preconditions":{"uid":"u","resourceVersion":"7"}}"#))
    #expect(sent[1].hasSuffix(#""preconditions":{"uid":"u"}}"#))
    let gone = ScriptedTransport.Step.reply(404, status(404, "NotFound"))
    #expect(await failure(gone) { writer throws(WriteFailure) in try await writer.delete(seen) } == .missing)
    #expect(await failure(gone) { writer throws(WriteFailure) in try await writer.remove(seen) } == nil)
  }

  @Test("finalizers are added and removed beside those of others, and never without need")
  func finalizers() async throws {
    let sent = try await requests([.reply(200, "{}"), .reply(404, status(404, "NotFound"))]) {
      writer throws(WriteFailure) in
      _ = try await writer.addFinalizer("new", to: seen)
      try await writer.removeFinalizer("ours", from: seen)
      _ = try await writer.addFinalizer("ours", to: seen)
      try await writer.removeFinalizer("new", from: seen)
    }
    try #require(sent.count == 2, "\(sent)")
    #expect(sent[0].contains(#""finalizers":["other","ours","new"],"resourceVersion":"7""#))
    #expect(sent[1].contains(#""finalizers":["other"],"resourceVersion":"7""#))
  }

  @Test("a missing object is created, and then its status is written")
  func putting() async throws {
    let missing = ScriptedTransport.Step.reply(404, status(404, "NotFound"))
    let lease = Lease(metadata: ObjectMeta(name: "l", namespace: "n"))
    let sent = try await requests([missing, .reply(201, "{}"), .reply(200, "{}")]) { writer throws(WriteFailure) in
      try await writer.putStatus(of: lease, ["x": 1])
    }
    let path = "/apis/coordination.k8s.io/v1/namespaces/n/leases"
    #expect(sent.first == #"PATCH \#(path)/l/status {"status":{"x":1}}"# && sent.last == sent.first)
    #expect(sent[1].hasPrefix("POST \(path) "))
    let found = try await requests([missing, .reply(201, #"{"metadata":{"uid":"new"}}"#)]) {
      writer throws(WriteFailure) in
      let made = try await writer.put(lease, ["spec": ["leaseTransitions": 1]])
      #expect(made.metadata.uid == "new")
    }
    #expect(found.map { $0.prefix(5) } == ["PATCH", "POST "])
  }

  @Test("an object is read from the server; nil means that it does not exist, and a missing answer is an error")
  func finding() async throws {
    _ = try await requests([.reply(200, #"{"metadata":{"name":"a"}}"#), .reply(404, status(404, "NotFound"))]) {
      writer throws(WriteFailure) in
      let found: PersistentVolume? = try await writer.find(ObjectKey(name: "a"))
      let missing: PersistentVolume? = try await writer.find(ObjectKey(name: "b"))
      #expect(found?.metadata.name == "a" && missing == nil)
    }
    let silence = await failure(.failure(TransportError(.unreachable, "away"))) { writer throws(WriteFailure) in
      let _: PersistentVolume? = try await writer.find(ObjectKey(name: "a"))
    }
    #expect(silence == .rejected)
  }
}

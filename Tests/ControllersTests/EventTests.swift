import Controllers
import JSON
import KubernetesAPI
import LinuxSystem
import TestSupport
import Testing

@Suite("Events")
struct EventTests {
  /// With ten messages each none of them is combined.
  private static let reasons: [EventReason] = [.volumeLost, .volumeInUse, .volumeConflict]
  private let claim = ObjectReference(kind: "PersistentVolumeClaim", namespace: "n", name: "c", uid: "u")

  /// Records by `body` against a server that takes everything, and returns what was written.
  private func writes(
    _ expected: Int, dropped: Int = 0,
    answer: @escaping @Sendable (HTTPRequest, Int) -> ScriptedTransport.Step? = { _, _ in nil },
    _ body: (EventRecorder, ManualTime) async -> Void
  ) async throws -> [(method: String, event: Event)] {
    let transport = ScriptedTransport { request, number in
      answer(request, number) ?? .reply(201, #"{"metadata":{"name":"e\#(number)","namespace":"n"}}"#)
    }
    let time = ManualTime()
    let recorder = EventRecorder(APIClient(transport, time: time), component: "test", host: "node")
    let task = Task { await recorder.run() }
    await body(recorder, time)
    #expect(await eventually { transport.requests.count >= expected && recorder.dropped >= dropped })
    task.cancel()
    await task.value
    #expect(recorder.dropped == dropped)
    return try transport.requests.map { request in
      var json = JSONReader(request.body ?? [])
      return (request.method, try Event(json: &json))
    }
  }

  @Test("an Event names its object, its sender and its time")
  func event() async throws {
    let writes = try await writes(1) { recorder, _ in
      recorder.record(.insufficientStorage, on: claim, "there is none")
    }
    let event = try #require(writes.first?.event)
    #expect(event.involvedObject == claim && event.type == "Warning" && event.reason == "InsufficientStorage")
    #expect(event.message == "there is none" && event.component == "test" && event.host == "node")
    #expect(event.metadata.namespace == "n" && event.metadata.name.hasPrefix("c."))
    #expect(event.firstTimestamp?.seconds == 1_700_000_000 && event.count == 1)
  }

  @Test("the same event again raises the count of the first")
  func counted() async throws {
    let writes = try await writes(3) { recorder, _ in
      for _ in 0..<3 { recorder.record(.volumeInUse, on: claim, "for room") }
    }
    #expect(writes.map(\.method) == ["POST", "PATCH", "PATCH"])
    #expect(writes.map(\.event.count) == [1, 2, 3])
  }

  @Test("an Event that has expired on the server is created again")
  func expired() async throws {
    let writes = try await writes(3, answer: { request, _ in request.method == "PATCH" ? .reply(404, "{}") : nil }) {
      recorder, _ in
      for _ in 0..<2 { recorder.record(.volumeInUse, on: claim, "for room") }
    }
    #expect(writes.map(\.method) == ["POST", "PATCH", "POST"])
    #expect(writes.last?.event.count == 2)
  }

  @Test("many similar events become one")
  func combined() async throws {
    let writes = try await writes(13) { recorder, _ in
      for number in 0..<13 { recorder.record(.volumeInUse, on: claim, "attempt \(number)") }
    }
    #expect(writes.filter { $0.method == "POST" }.count == 11)
    #expect(writes.last?.event.message == "(combined from similar events): attempt 12")
  }

  @Test("an object has 25 events at once and one more each five minutes, others are not affected")
  func limited() async throws {
    let other = ObjectReference(kind: "PersistentVolume", name: "v", uid: "w")
    let writes = try await writes(27, dropped: 5) { recorder, time in
      for number in 0..<30 { recorder.record(Self.reasons[number % 3], on: claim, "\(number)") }
      #expect(await eventually { recorder.dropped == 5 })
      time.advance(to: .seconds(301))
      recorder.record(.volumeCanGrow, on: claim, "later")
      recorder.record(.nodeGone, on: other, "other")
    }
    #expect(writes.suffix(2).map(\.event.reason) == ["VolumeCanGrow", "NodeGone"])
    #expect(writes.last?.event.metadata.namespace == "default", "a volume has no namespace, its events need one")
  }

  @Test("recording never waits: if the server does not answer, the oldest Events are dropped")
  func neverBlocks() async throws {
    let transport = ScriptedTransport { _, _ in .silence }
    let recorder = EventRecorder(APIClient(transport, time: ManualTime()), component: "test")
    let task = Task { await recorder.run() }
    let begin = ContinuousClock.now
    for number in 0..<3000 { recorder.record(.volumeInUse, on: claim, "\(number)") }
    #expect(ContinuousClock.now - begin < .seconds(30))
    #expect(recorder.dropped >= 1900)
    task.cancel()
    await task.value
  }

  @Test("a long message is cut where the server would refuse it")
  func long() async throws {
    let writes = try await writes(1) { recorder, _ in
      recorder.record(.volumeInUse, on: claim, String(repeating: "é", count: 3000))
    }
    #expect((1000...1024).contains(writes[0].event.message.utf8.count) && writes[0].event.message.hasSuffix("é…"))
  }
}

import JSON
import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel
import TestSupport
import Testing

@Suite("Custom resources")
struct ResourceTests {
  private enum Phase: String, FieldValue { case ready = "Ready", waiting = "Waiting" }

  private struct Sample: FieldObject {
    var name = "standard"
    var size: UInt64 = 7
    var isOn = true
    var words: [String] = []
    var phase: Phase?
    var labels = StringMap()
    var parts: [Part] = []
    var since: Timestamp?
    var capacity: Quantity?

    static let fields: [Field<Sample>] = [
      Field("name", \.name), Field("size", \.size), Field("on", \.isOn, omitting: true),
      Field("words", \.words, omitting: []), Field("phase", \.phase), Field("labels", \.labels),
      Field("parts", \.parts, omitting: []), Field("since", \.since), Field("capacity", \.capacity),
    ]
  }

  private struct Part: FieldObject {
    var number = 0

    static let fields: [Field<Part>] = [Field("number", \.number)]
  }

  private func read(_ text: String) throws -> Sample? {
    var json = JSONReader(Array(text.utf8))
    let sample = try Sample.read(&json)
    try json.end()
    return sample
  }

  private func text(_ sample: Sample) -> String { String(decoding: sample.json.encoded, as: UTF8.self) }

  @Test("a written object is read back unchanged")
  func roundTrip() throws {
    var sample = Sample()
    (sample.name, sample.size, sample.isOn, sample.words, sample.phase) = ("n", 1 << 40, false, ["a", "b"], .waiting)
    (sample.labels, sample.parts) = (["k": "v"], [Part(number: 1), Part(number: 2)])
    (sample.since, sample.capacity) = (Timestamp(seconds: 1_700_000_000), try Quantity(parsing: "5Gi"))
    #expect(try read(text(sample)) == sample)
    #expect(
      text(sample)
        == #"{"name":"n","size":1099511627776,"on":false,"words":["a","b"],"phase":"Waiting","labels":{"k":"v"},"#
        + #""parts":[{"number":1},{"number":2}],"since":"2023-11-14T22:13:20Z","capacity":"5Gi"}"#)
  }

  @Test("a missing, unknown or mistyped member has its default, and an empty one is not written")
  func defaults() throws {
    #expect(text(Sample()) == #"{"name":"standard","size":7}"#)
    let odd =
      #"{"name":5,"size":-1,"on":null,"words":"x","phase":"Later","labels":[],"parts":[{"number":3},9],"#
      + #""since":"today","capacity":{},"invented":{"name":"x"}}"#
    var expected = Sample()
    (expected.size, expected.parts) = (0, [Part(number: 3)])
    #expect(try read(odd) == expected)
    #expect(try read("[]") == nil && read("null") == nil)
  }

  @Test("a status is replaced only if the object has not changed since it was read, and only if the status differs")
  func replacing() async throws {
    let transport = ScriptedTransport([.reply(422, status(422, "Invalid"))])
    let writer = ObjectWriter(APIClient(transport, time: ManualTime()))
    let limit = ClaimLimit(metadata: ObjectMeta(name: "l", namespace: "n", uid: "u", resourceVersion: "9"))
    _ = try await writer.replaceStatus(of: limit, with: limit.status)
    #expect(transport.requests.isEmpty)
    var wanted = limit.status
    wanted.claims = 3
    let failure = await #expect(throws: WriteFailure.self) { try await writer.replaceStatus(of: limit, with: wanted) }
    #expect(failure?.kind == .conflict)
    let body = String(decoding: try #require(transport.requests.first?.body), as: UTF8.self)
    #expect(
      body
        == #"[{"op":"test","path":"/metadata/uid","value":"u"},"#
        + #"{"op":"test","path":"/metadata/resourceVersion","value":"9"},"#
        + #"{"op":"add","path":"/status","value":{"claims":3}}]"#)
  }

  @Test("an owner's reference names it by kind and UID")
  func owners() {
    let limit = ClaimLimit(metadata: ObjectMeta(name: "l", namespace: "n", uid: "u"))
    let meta = ObjectMeta(name: "x", ownerReferences: [limit.owner(isController: false), limit.owner()])
    #expect(meta.controller == limit.owner() && meta.isOwned(by: "u") && !meta.isOwned(by: "other"))
    #expect(limit.owner().apiVersion == "example.org/v1" && limit.owner().kind == "ClaimLimit")
  }
}

@Suite("Conditions")
struct ConditionsTests {
  private func conditions(_ text: String) throws -> Conditions? {
    var json = JSONReader(Array(text.utf8))
    return try Conditions.read(&json)
  }

  @Test("the time of a condition changes only with its status")
  func times() {
    var conditions = Conditions()
    func set(_ status: Condition.Status, _ reason: String, _ seconds: Int64) -> Int64? {
      conditions.set(
        "Ready", status, reason: reason, "m", generation: seconds, at: Timestamp(seconds: seconds, nanoseconds: 5))
      #expect(conditions["Ready"]?.reason == reason && conditions["Ready"]?.observedGeneration == seconds)
      return conditions["Ready"]?.lastTransitionTime?.seconds
    }
    #expect(set(.false, "One", 100) == 100)
    #expect(set(.false, "Two", 200) == 100)
    #expect(set(.true, "Three", 300) == 300 && conditions.isTrue("Ready"))
    #expect(set(.unknown, "Four", 400) == 400)
    #expect(set(.unknown, "Four", 500) == 400 && conditions.all.count == 1)
  }

  @Test("conditions are read back unchanged, and those of other writers stay as they are")
  func others() throws {
    let text =
      #"[{"type":"Theirs","status":"Sometimes","reason":"R","message":"m","lastTransitionTime":"2023-11-14T22:13:20Z"},"#
      + #"{"type":"","status":"True"},{"type":"Theirs","status":"False"}]"#
    var conditions = try #require(try conditions(text))
    conditions.set("Ours", .true, reason: "R", "m", generation: 2, at: Timestamp(seconds: 5, nanoseconds: 9))
    let written = String(decoding: try #require(conditions.written).encoded, as: UTF8.self)
    #expect(try self.conditions(written) == conditions)
    #expect(conditions.all.map(\.type) == ["Theirs", "Ours"] && conditions["Theirs"]?.status == "Sometimes")
    #expect(written.contains(#""message":"m","lastTransitionTime":"2023-11-14T22:13:20Z"},{"type":"Ours""#))
    conditions.remove("Theirs")
    #expect(conditions.all.map(\.type) == ["Ours"])
    #expect(Conditions().written == nil)
  }
}

import JSON
import Synchronization
import TestSupport
import Testing

@testable import KubernetesAPI

@Suite("Lists with huge objects")
struct HugeListTests {
  private static func claim(_ name: String, annotation: String) -> String {
    #"{"metadata":{"name":"\#(name)","namespace":"n","annotations":{"a":"\#(annotation)","b":"[\"}]"}},"spec":{"volumeName":"v"}}"#
  }

  @Test("150 claims with annotations of 250 KiB are a list like any other, whatever the pieces they come in")
  func tenant() async throws {
    let annotation = String(repeating: "x", count: 250 << 10)
    let claims = (0..<150).map { Self.claim("c\($0)", annotation: annotation) }
    let text = list(claims, version: 5)
    #expect(text.utf8.count > APIClient.replyLimit)
    let bytes = Array(text.utf8)
    let pieces = stride(from: 0, to: bytes.count, by: 100_003).map {
      String(decoding: bytes[$0..<min($0 + 100_003, bytes.count)], as: UTF8.self)
    }
    let client = APIClient(ScriptedTransport([.stream(pieces, .orderly)]), time: ManualTime(isHasty: true))
    var names: [String] = []
    try await client.list(PersistentVolumeClaim.self) { names.append($0.metadata.name + $0.volumeName) }
    #expect(names == (0..<150).map { "c\($0)v" })
  }

  @Test(
    "an object as large as etcd takes it, of characters that JSON has to escape, is read from a list and from a watch")
  func escaped() async throws {
    let huge = String(repeating: #"\u003c"#, count: 1_500_000)
    let claim = Self.claim("c", annotation: huge)
    let transport = ScriptedTransport([
      .reply(200, list([claim], version: 5)), .stream([event("MODIFIED", claim)], .open),
    ])
    let reflector = Reflector<PersistentVolumeClaim, Int>(APIClient(transport, time: ManualTime(isHasty: true))) {
      $0.metadata.annotations["a"]?.utf8.count
    }
    let seen = Mutex<[Int]>([])
    let task = Task {
      await reflector.run { change in
        if case .updated(_, let count, _) = change { seen.withLock { $0.append(count) } }
      }
    }
    #expect(await eventually { !seen.withLock { $0.isEmpty } })
    #expect(await eventually { transport.requests.count == 2 })
    task.cancel()
    await task.value
    #expect(seen.withLock { $0.first } == 1_500_000)
  }

  @Test("an object beyond every limit ends the list, and says so")
  func tooLarge() async throws {
    let pieces = [#"{"items":[""#] + Array(repeating: String(repeating: "x", count: 1 << 20), count: 17)
    let client = APIClient(ScriptedTransport([.stream(pieces, .open)]), time: ManualTime(isHasty: true))
    let error = await #expect(throws: APIError.self) { try await client.list(PersistentVolumeClaim.self) { _ in } }
    #expect(error?.kind == .malformed && error?.message.contains("an object of more than 16777216 bytes") == true)
  }

  @Test("a list that breaks off in the middle of an object is asked for again")
  func broken() async throws {
    let whole = list([volume("a", version: 1), volume("b", version: 2)], version: 5)
    let client = APIClient(
      ScriptedTransport([.stream([String(whole.dropLast(30))], .broken), .reply(200, whole)]),
      time: ManualTime(isHasty: true))
    var names: [String] = []
    try await client.list(PersistentVolume.self) { names.append($0.metadata.name) }
    #expect(Array(names.suffix(2)) == ["a", "b"])
  }

  @Test(
    "a list is cut where its elements end, in pieces of any length",
    arguments: [
      (#"{"items":[],"metadata":{"continue":"t"}}"#, []),
      (
        #"{"metadata":{"items":[1,2]},"items":[{"a":"],{\"["},[1,[2]],"x",3 , null]}"#,
        [#"{"a":"],{\"["}"#, "[1,[2]]", #""x""#, "3 ", " null"]
      ),
      (#"{"kind":"items","x":[1],"items" : [ {"items":[7]} ] }"#, [#" {"items":[7]} "#]),
      (#"{"items":null,"x":[4]}"#, []), (#"{"items":[1,,2]}"#, ["1", "", "2"]), (#"{"items":[1,]}"#, ["1", ""]),
    ])
  func cut(text: String, elements: [String]) throws {
    let bytes = Array(text.utf8)
    for length in 1...bytes.count {
      var splitter = ListSplitter(limit: 1000)
      var found: [String] = []
      for start in stride(from: 0, to: bytes.count, by: length) {
        let piece = Array(bytes[start..<min(start + length, bytes.count)])
        found += try splitter.append(piece).map { String(decoding: $0, as: UTF8.self) }
      }
      #expect(found == elements, "in pieces of \(length)")
      let rest = String(decoding: splitter.rest, as: UTF8.self)
      #expect(rest.utf8.count + elements.joined(separator: ",").utf8.count == bytes.count, "\(rest)")
    }
  }

  @Test("100,000 annotations are read about as fast as their bytes", .timeLimit(.minutes(1)))
  func manyKeys() throws {
    let members = (0..<200_000).map { #""k\#(($0 * 7919) % 200_000)":"""# }.joined(separator: ",")
    var json = JSONReader(Array("{\(members)}".utf8))
    #expect(try StringMap(json: &json).count == 200_000)
  }
}

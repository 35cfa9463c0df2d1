import KubernetesAPI
import Synchronization
import TestSupport
import Testing

@Suite("Reflector")
struct ReflectorTests {
  /// Runs a reflector over a script until it has said `count` things, and returns them.
  private func changes(
    _ count: Int, _ steps: [ScriptedTransport.Step]
  ) async -> (changes: [String], requests: [String], waits: [Duration]) {
    let transport = ScriptedTransport { _, number in number < steps.count ? steps[number] : .silence }
    let time = ManualTime(isHasty: true)
    let reflector = Reflector<PersistentVolume, String>(APIClient(transport, time: time)) { volume in
      volume.flexVolume?.driver == "ours" ? volume.metadata.resourceVersion : nil
    }
    let said = Mutex<[String]>([])
    let task = Task {
      await reflector.run { change in
        said.withLock { said in
          switch change {
          case .updated(let key, let value, _): said.append("+\(key)@\(value)")
          case .removed(let key, let value): said.append("-\(key)@\(value)")
          case .listing: said.append("listing")
          case .synced: said.append("synced")
          }
        }
      }
    }
    let isThere = await eventually { said.withLock { $0.count } >= count && transport.requests.count >= steps.count }
    #expect(isThere, "only \(said.withLock { $0 }), \(transport.lines)")
    task.cancel()
    await task.value
    return (said.withLock { $0 }, transport.lines.map(watchVersion), time.waits)
  }

  /// `list`, `list:token` or `watch@version`.
  private func watchVersion(_ line: String) -> String {
    let parameters = line.drop { $0 != "?" }.dropFirst().split(separator: "&")
    func value(_ name: String) -> String? {
      parameters.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }
    if value("watch") != nil { return "watch@\(value("resourceVersion") ?? "")" }
    return value("continue").map { "list:\($0)" } ?? "list"
  }

  @Test("a selected object is delivered once, an unwanted one never, and the watch begins at the list's version")
  func basics() async {
    let run = await changes(
      6,
      [
        .reply(200, list([volume("a", version: 1), volume("x", version: 2, driver: "theirs")], version: 5, next: "t")),
        .reply(200, list([volume("b", version: 3)], version: 5)),
        .stream(
          [
            event("MODIFIED", volume("a", version: 6)), event("ADDED", volume("y", version: 7, driver: "theirs")),
            event("DELETED", volume("b", version: 8)),
          ], .open),
      ])
    #expect(run.changes == ["listing", "+a@1", "+b@3", "synced", "+a@6", "-b@3"])
    #expect(run.requests == ["list", "list:t", "watch@5"])
  }

  @Test("an object that is not wanted any more is removed")
  func loss() async {
    let run = await changes(
      4,
      [
        .reply(200, list([volume("a", version: 1)], version: 5)),
        .stream([event("MODIFIED", volume("a", version: 6, driver: "theirs"))], .open),
      ])
    #expect(run.changes == ["listing", "+a@1", "synced", "-a@1"])
  }

  @Test("lines torn anywhere are put together; the next watch begins after the last whole event or bookmark")
  func tornLines() async {
    let stream =
      event("ADDED", volume("a", version: 6)) + event("BOOKMARK", #"{"metadata":{"resourceVersion":"9"}}"#)
      + String(event("ADDED", volume("b", version: 10)).dropLast(20))
    let pieces = stream.map { String($0) }
    let run = await changes(
      3, [.reply(200, list([], version: 5)), .stream(pieces, .broken), .stream([], .open)])
    #expect(run.changes == ["listing", "synced", "+a@6"])
    #expect(run.requests == ["list", "watch@5", "watch@9"])
  }

  @Test(
    "an expired version is answered by a new list, which finds what was deleted meanwhile",
    arguments: [
      .reply(410, status(410, "Expired")), .stream([event("ERROR", status(410, "Expired"))], .orderly),
    ] as [ScriptedTransport.Step])
  func expiry(_ expired: ScriptedTransport.Step) async {
    let run = await changes(
      9,
      [
        .reply(200, list([volume("a", version: 1), volume("b", version: 2), volume("c", version: 3)], version: 5)),
        expired,
        .reply(200, list([volume("b", version: 2), volume("c", uid: "other", version: 8)], version: 9)),
        .stream([], .open),
      ])
    #expect(run.changes == ["listing", "+a@1", "+b@2", "+c@3", "synced", "listing", "-c@3", "+c@8", "-a@1", "synced"])
    #expect(run.requests == ["list", "watch@5", "list", "watch@9"])
    #expect(run.waits.isEmpty, "at once, since that is what happens after each long pause")
  }

  @Test("after an outage an expired version leads to a list at once, and a second one to a list after a wait")
  func expiryAfterAbsence() async {
    let away = ScriptedTransport.Step.failure(TransportError(.unreachable, "away"))
    let expired = ScriptedTransport.Step.reply(410, status(410, "Expired"))
    let run = await changes(
      6,
      [
        .reply(200, list([], version: 5)), away, away, expired, .reply(200, list([], version: 6)), expired,
        .reply(200, list([], version: 7)), .stream([], .open),
      ])
    #expect(run.requests == ["list", "watch@5", "watch@5", "watch@5", "list", "watch@6", "list", "watch@7"])
    #expect(run.waits == [375, 750, 375].map { .milliseconds($0) })
  }

  @Test("an interrupted list begins again, and removes no object that its first half lacked")
  func brokenList() async {
    let run = await changes(
      5,
      [
        .reply(200, list([volume("a", version: 1)], version: 5, next: "t")), .reply(410, status(410, "Expired")),
        .reply(200, list([volume("a", version: 1)], version: 6, next: "u")),
        .reply(200, list([volume("b", version: 6)], version: 6)), .stream([], .open),
      ])
    #expect(run.changes == ["listing", "+a@1", "listing", "+b@6", "synced"])
    #expect(run.requests == ["list", "list:t", "list", "list:u", "watch@6"])
  }

  @Test("failures are followed by growing waits, and an event ends them")
  func backoff() async {
    let failure = ScriptedTransport.Step.failure(TransportError(.untrusted, "t"))
    let run = await changes(
      5,
      [
        failure, failure, .reply(200, list([], version: 5)), .stream([], .broken), .stream([], .orderly),
        .stream([event("ADDED", volume("a", version: 6))], .broken), .stream([], .open),
      ])
    // Three quarters of 0.5 s and 1 s; then again from the beginning.
    #expect(run.waits == [375, 750, 375, 750, 375].map { .milliseconds($0) })
    #expect(run.requests == ["list", "list", "list", "watch@5", "watch@5", "watch@5", "watch@6"])
  }

  @Test(
    "a silent watch is restarted at once and is not a failure, because a collection without changes has no events")
  func silence() async {
    let run = await changes(
      3,
      [
        .reply(200, list([], version: 5)), .stream([], .silent), .stream([], .silent),
        .stream([event("ADDED", volume("a", version: 6))], .open),
      ])
    #expect(run.waits == [])
    #expect(run.requests == ["list", "watch@5", "watch@5", "watch@5"])
  }

  @Test("a watch that is refused with Retry-After waits as long as the server wishes")
  func retryAfter() async {
    let run = await changes(
      2,
      [
        .reply(200, list([], version: 5)), .reply(429, status(429, "TooManyRequests"), ["retry-after": "8"]),
        .stream([], .open),
      ])
    #expect(run.waits == [.seconds(6)])
    #expect(run.requests == ["list", "watch@5", "watch@5"])
  }

  @Test("a line that is no JSON, or that never ends, is answered by a new list")
  func malformed() async {
    for pieces in [["{\"type\":\n"], Array(repeating: String(repeating: "x", count: 1 << 20), count: 17)] {
      let run = await changes(
        4,
        [
          .reply(200, list([], version: 5)), .stream(pieces, .open), .reply(200, list([], version: 7)),
          .stream([], .open),
        ])
      #expect(run.requests == ["list", "watch@5", "list", "watch@7"])
    }
  }
}

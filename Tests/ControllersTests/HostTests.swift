import Controllers
import KubernetesAPI
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("Controller host", .timeLimit(.minutes(1)))
struct HostTests {
  /// What happened in the terms of a host.
  private final class Story: Sendable {
    private let state = Mutex<(terms: [Term], isWorking: Bool, wasEnded: Bool)>(([], false, false))
    var terms: [Term] { state.withLock { $0.terms } }
    var isWorking: Bool { state.withLock { $0.isWorking } }
    var wasEnded: Bool { state.withLock { $0.wasEnded } }
    func begin(_ term: Term) { state.withLock { ($0.terms, $0.isWorking) = ($0.terms + [term], true) } }
    func end() { state.withLock { $0.isWorking = false } }
    func endProcess() { state.withLock { $0.wasEnded = true } }
  }

  private func access(_ transport: any APITransport, _ time: ManualTime, log: Log = .silent) -> APIAccess {
    APIAccess(transport, component: "test", log: log, complaint: "not read", time: time)
  }

  private func election() throws -> LeaderElection {
    try LeaderElection(lease: ObjectKey(namespace: "n", name: "l"), candidate: "one", duration: .seconds(15))
  }

  /// Moves time from alarm to alarm until it is as wanted.
  private func moving(_ time: ManualTime, _ condition: () -> Bool) async -> Bool {
    await eventually {
      if condition() { return true }
      _ = time.advanceToNextAlarm(upTo: .seconds(100_000))
      return false
    }
  }

  @Test("a process that has lost the lead works again when it leads again, in a term without the state of the first")
  func terms() async throws {
    let (server, time, story) = (SimulatedAPIServer(), ManualTime(), Story())
    let host = ControllerHost(access(server, time), election: try election()) { story.endProcess() }
    let task = Task {
      await host.run { term in
        story.begin(term)
        await term.run()
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        story.end()
      }
    }
    #expect(await eventually { story.isWorking })
    #expect(host.isLeading && host.hasBeenHeard)
    server.steal(try #require(server.lease))
    #expect(await moving(time) { !story.isWorking })
    #expect(await moving(time) { story.terms.count >= 2 && story.isWorking })
    #expect(story.terms[0] !== story.terms[1] && story.terms[0].caches !== story.terms[1].caches)
    task.cancel()
    await task.value
    #expect(!story.isWorking && !host.isLeading && server.lease?.holder == "")
  }

  @Test("work that goes on although the lead is lost ends the process, after a line of the log says so")
  func stubborn() async throws {
    let (server, time, story) = (SimulatedAPIServer(), ManualTime(), Story())
    let lines = Mutex<[String]>([])
    let log = Log(format: .text, node: "") { line in lines.withLock { $0.append(line) } }
    let host = ControllerHost(access(server, time, log: log), election: try election()) {
      story.endProcess()
    }
    let task = Task {
      await host.run { term in
        story.begin(term)
        while !story.wasEnded { try? await Task.sleep(for: .milliseconds(1)) }
      }
    }
    #expect(await eventually { story.isWorking })
    server.set(isAway: true)
    #expect(await moving(time) { story.wasEnded })
    #expect(lines.withLock { $0.contains { $0.contains("work does not end although the lease is lost") } })
    task.cancel()
    await task.value
  }

  @Test("without an election the work begins at once, and once")
  func alone() async {
    let story = Story()
    let transport = ScriptedTransport { _, _ in .silence }
    let host = ControllerHost(access(transport, ManualTime())) { story.endProcess() }
    await host.run { term in
      story.begin(term)
      story.end()
    }
    #expect(story.terms.count == 1 && transport.requests.isEmpty && !story.wasEnded)
  }

  @Test("failures of reads are logged and counted by what was read, beside the requests")
  func metrics() async {
    let transport = ScriptedTransport([
      .reply(403, status(403, "Forbidden")), .reply(200, #"{"metadata":{"name":"n"}}"#),
    ])
    let lines = Mutex<[String]>([])
    let log = Log(format: .text, node: "") { line in lines.withLock { $0.append(line) } }
    let api = access(transport, ManualTime(isHasty: true), log: log)
    let node = await api.insist("node") { () async throws(APIError) in
      try await api.client.get(Node.self, ObjectKey(name: "n"))
    }
    #expect(node?.metadata.name == "n")
    var exposition = Exposition()
    api.metrics.write(to: &exposition, prefix: "p")
    for line in [
      #"p_watch_failures_total{part="node"} 1"#, "p_events_dropped_total 0",
      #"elastic_local_api_requests_total{code="403",resource="nodes",verb="get"} 1"#,
      #"elastic_local_api_requests_total{code="200",resource="nodes",verb="get"} 1"#,
    ] {
      #expect(exposition.text.contains("\n\(line)\n"), "\(line)")
    }
    #expect(lines.withLock { $0.count == 1 && $0[0].contains("warning not read part=node") })
  }
}

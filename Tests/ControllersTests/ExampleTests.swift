import JSON
import Controllers
import FoundationEssentials
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("The worked example", .timeLimit(.minutes(1)))
struct ExampleTests {
  /// A server with one limit and some claims, which takes a status and shows the limit as it is then.
  private final class Server: Sendable {
    private let state = Mutex(State())
    private static let invalid = ControllersTests.status(422, "Invalid")

    private struct State {
      var limit = ClaimLimit(metadata: ObjectMeta(name: "l", namespace: "n", uid: "u", resourceVersion: "1"))
    }

    private let claims = (1...3).map { number in
      #"{"metadata":{"name":"c\#(number)","namespace":"\#(number == 3 ? "other" : "n")","resourceVersion":"1"}}"#
    }

    init(allowed: Int) {
      state.withLock { $0.limit.spec.claims = allowed }
    }

    var status: ClaimLimit.Status { state.withLock { $0.limit.status } }

    /// With what only a server says.
    private static func text(_ limit: ClaimLimit) -> String {
      String(decoding: limit.json().encoded, as: UTF8.self).replacing(#""uid":"#, with: #""generation":7,"uid":"#)
    }

    var transport: ScriptedTransport {
      ScriptedTransport { [self] request, _ in
        if request.method == "PATCH" { return patch(request) }
        let isWatch = request.path.contains("watch=1")
        if request.path.hasPrefix("/api/v1/persistentvolumeclaims?") {
          return isWatch ? .silence : .reply(200, list(claims, version: 1))
        }
        guard isWatch else { return state.withLock { .reply(200, list([Self.text($0.limit)], version: 1)) } }
        return .silence
      }
    }

    /// Takes a status if it is about the limit as it is.
    private func patch(_ request: HTTPRequest) -> ScriptedTransport.Step {
      let body = String(decoding: request.body ?? [], as: UTF8.self)
      let expected =
        #"[{"op":"test","path":"/metadata/uid","value":"u"},"#
        + #"{"op":"test","path":"/metadata/resourceVersion","value":"1"},{"op":"add","path":"/status","value":"#
      guard request.path == "/apis/example.org/v1/namespaces/n/claimlimits/l/status", body.hasPrefix(expected) else {
        return .reply(422, Self.invalid)
      }
      var json = JSONReader(Array(body.dropFirst(expected.count).dropLast(2).utf8))
      return state.withLock { state in
        state.limit.status = (try? ClaimLimit.Status.read(&json)) ?? ClaimLimit.Status()
        return .reply(200, Self.text(state.limit))
      }
    }
  }

  private func outcome(allowed: Int) async -> ClaimLimit.Status {
    let server = Server(allowed: allowed)
    let api = APIAccess(server.transport, component: "example", log: .silent, complaint: "not read", time: ManualTime())
    let running = Task {
      await ControllerHost(api).run { term in
        _ = ClaimCounter(term, api)
        await term.run()
      }
    }
    #expect(await eventually { server.status.claims > 0 })
    running.cancel()
    await running.value
    return server.status
  }

  @Test("it counts the claims of its namespace, and says whether they are too many")
  func counts() async {
    for (allowed, condition, reason) in [(2, "True", "Fits"), (1, "False", "TooMany")] {
      let status = await outcome(allowed: allowed)
      #expect(status.claims == 2)
      let kept = status.conditions["Kept"]
      #expect(kept?.status == condition && kept?.reason == reason && kept?.observedGeneration == 7)
      #expect(kept?.lastTransitionTime?.seconds == 1_700_000_000)
    }
  }

  @Test("CONTRIBUTING.md shows exactly the file that is compiled here, of at most 60 lines")
  func text() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "ExampleController.swift")
    let page = URL(filePath: #filePath).appending(path: "../../../CONTRIBUTING.md").standardized
    let code = try String(contentsOf: file, encoding: .utf8)
    #expect(try String(contentsOf: page, encoding: .utf8).contains("```swift\n\(code)```\n"))
    #expect(code.split(separator: "\n", omittingEmptySubsequences: false).count <= 61)
  }
}

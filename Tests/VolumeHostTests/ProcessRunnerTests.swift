import Testing
import VolumeHost

@Suite("Drivers as processes")
struct ProcessRunnerTests {
  private func run(_ script: String, limit: Duration? = nil) async throws -> DriverProcess {
    let directory = try TemporaryDirectory()
    let path = try directory.executable("driver", script)
    return await ProcessRunner().run(path, DriverCall(.mount, ["/dir", "{}"]), limit: limit)
  }

  @Test("Output and errors are one stream, arguments follow the command, and the directory is the root")
  func combined() async throws {
    let process = try await run(#"echo "$1 $2 $3"; echo err >&2; pwd; umask"#)
    #expect(process == DriverProcess(output: "mount /dir {}\nerr\n/\n0022\n", end: .exited(0)))
  }

  @Test(
    "The end says how it came", arguments: [("exit 3", DriverProcess.End.exited(3)), ("kill -9 $$", .signalled(9))])
  func ends(script: String, end: DriverProcess.End) async throws { #expect(try await run(script).end == end) }

  @Test("A driver is stopped when its time is up")
  func limit() async throws {
    #expect(try await run("sleep 60", limit: .milliseconds(50)).end == .timedOut)
  }

  @Test("A driver that can not be started says why, and is an empty answer")
  func missing() async {
    let process = await ProcessRunner().run("/nonexistent/driver", DriverCall(.initialize), limit: nil)
    #expect(process.end == .notStarted("fork/exec /nonexistent/driver: no such file or directory"))
    #expect(DriverOutcome(of: .initialize, process) == .failure("unexpected end of JSON input"))
  }
}

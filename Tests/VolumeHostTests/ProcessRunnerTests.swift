import LinuxSystem
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
    "The end says how the process ended",
    arguments: [("exit 3", DriverProcess.End.exited(3)), ("kill -9 $$", .signalled(9))])
  func ends(script: String, end: DriverProcess.End) async throws { #expect(try await run(script).end == end) }

  @Test("A driver is stopped at its time limit")
  func limit() async throws {
    #expect(try await run("sleep 60", limit: .milliseconds(50)).end == .timedOut)
  }

  @Test("As for a kubelet, a call lasts until no process has the output open; a process that closes it is not killed")
  func leftBehind() async throws {
    let clock = ContinuousClock()
    var process: DriverProcess?
    let holding = try await clock.measure { process = try await run("sleep 0.5 & echo done") }
    #expect(holding >= .milliseconds(400) && process?.output == "done\n")
    let directory = try TemporaryDirectory()
    let (go, mark) = (directory["go"], directory["mark"])
    // The process waits for a file that the test creates after the call. If the call lasted as long as the process, it
    // would never end.
    let waiting = "until [ -e \(go) ] || [ ! -d \(directory.path) ]; do sleep 0.05; done"
    let path = try directory.executable("driver", "(\(waiting); echo x >\(mark)) >/dev/null 2>&1 & echo")
    let left = await ProcessRunner().run(path, DriverCall(.mount), limit: .seconds(60))
    #expect(left.end == .exited(0) && !Files.exists(mark))
    _ = try directory.file("go")
    for _ in 0..<600 where !Files.exists(mark) { try await Task.sleep(for: .milliseconds(100)) }
    #expect(Files.exists(mark), "what the driver left behind was killed")
    let held = try await run("sleep 5 & echo", limit: .milliseconds(200))
    #expect(held.end == .timedOut)
  }

  @Test("An output of ten million bytes is read as one answer")
  func large() async throws {
    let process = try await run("head -c 10000000 /dev/zero | tr '\\0' ' '; echo '{\"status\":\"Success\"}'")
    #expect(process.output.utf8.count > 10_000_000)
    guard case .success = DriverOutcome(of: .mount, process) else {
      Issue.record("it is no success")
      return
    }
  }

  @Test("A driver that cannot be started gives the reason and an empty answer")
  func missing() async {
    let process = await ProcessRunner().run("/nonexistent/driver", DriverCall(.initialize), limit: nil)
    #expect(process.end == .notStarted("fork/exec /nonexistent/driver: no such file or directory"))
    #expect(DriverOutcome(of: .initialize, process) == .failure("unexpected end of JSON input"))
  }
}

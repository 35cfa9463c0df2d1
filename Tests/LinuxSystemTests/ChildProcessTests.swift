import CLinux
import Glibc
import LinuxSystem
import TestSupport
import Testing

@Suite("Child processes")
struct ChildProcessTests {
  private let pool = WorkerPool(name: "children", limit: 4)

  private func shell(
    _ script: String, deadline: Duration = .seconds(30), cancellation: CancellationFlag? = nil
  ) async throws -> ChildResult {
    try await pool.run { () throws(SystemError) in
      try ChildProcess.run("/bin/sh", ["-c", script], deadline: deadline, cancellation: cancellation)
    }
  }

  private func isGone(_ process: Int32) -> Bool { !Files.exists("/proc/\(process)") }

  /// Returns whether the process is alive and not a zombie that its new parent has not reaped.
  private func isRunning(_ process: Int32) -> Bool {
    guard let text = try? Files.readText("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
      return false
    }
    return text[end...].dropFirst(2).first != "Z"
  }

  @Test("output and exit code come back, both streams in their order")
  func output() async throws {
    let before = ChildProcess.startedCount
    let result = try await shell("echo one; echo two >&2; exit 3")
    #expect(result == ChildResult(status: .exited(3), output: "one\ntwo\n"))
    #expect(ChildProcess.startedCount > before)
  }

  @Test("the environment is the minimal one, input is empty, directory is the root, umask is 022")
  func surroundings() async throws {
    let result = try await shell("cat; pwd; umask; echo $LC_ALL; env | wc -l; ps -o pgid= -p $$ | tr -d ' '; echo $$")
    let lines = result.output.split(separator: "\n")
    #expect(lines.prefix(3) == ["/", "0022", "C"])
    #expect(lines.count == 6 && lines[4] == lines[5], "the child leads its own group: \(result.output)")
  }

  @Test("no descriptor of ours reaches the child, and signals have their defaults")
  func nothingInherited() async throws {
    let leak = open("/dev/null", O_RDONLY)
    defer { close(leak) }
    signal(SIGPIPE, SIG_IGN)
    let result = try await shell("ls /proc/self/fd | wc -l; grep -E 'SigIgn|SigBlk' /proc/self/status")
    let lines = result.output.split(separator: "\n")
    #expect(lines.first == "4", "0, 1, 2 and the one ls reads the directory with: \(result.output)")
    for line in lines.dropFirst() {
      let mask = try #require(UInt64(line.split(separator: "\t").last ?? "", radix: 16))
      // Signals 32 and 33 are internal to glibc. Other code cannot change their inherited dispositions.
      #expect(mask & ~(3 << 31) == 0, "\(line)")
    }
  }

  @Test("a program that does not exist is an error with its errno")
  func missing() async {
    await #expect(throws: SystemError(operation: "run", subject: "/no/such", errno: .noEntry)) {
      try await pool.run { () throws(SystemError) in try ChildProcess.run("/no/such", [], deadline: .seconds(1)) }
    }
  }

  @Test("of a large output the last part is kept")
  func muchOutput() async throws {
    let result = try await shell("yes 0123456789 | head -c 5000000; echo end")
    #expect(result.status == .exited(0))
    #expect(result.output.utf8.count == 64 << 10)
    #expect(result.output.hasSuffix("end\n"))
  }

  @Test("a signal from another process is reported")
  func signalled() async throws {
    #expect(try await shell("kill -TERM $$").status == .signalled(SIGTERM))
  }

  @Test("the deadline kills the whole group, and the child leaves no zombie")
  func deadline() async throws {
    let start = MonotonicClock.now()
    let result = try await shell("sleep 100 & echo $$ $!; wait", deadline: .milliseconds(300))
    #expect(result.status == .deadlineExceeded)
    #expect(MonotonicClock.now() - start < .seconds(50))
    let processes = result.output.split { $0 == " " || $0 == "\n" }.compactMap { Int32($0) }
    try #require(processes.count == 2)
    #expect(isGone(processes[0]))
    #expect(try await eventually { !isRunning(processes[1]) })
  }

  @Test("a cancellation flag kills the group at once, whether it was set before or during the run")
  func cancellation() async throws {
    let flag = CancellationFlag()
    let directory = try TemporaryDirectory()
    async let running = shell("echo $$; touch \(directory["started"]); sleep 100", cancellation: flag)
    #expect(try await eventually { Files.exists(directory["started"]) })
    let start = MonotonicClock.now()
    flag.cancel()
    flag.cancel()
    let result = try await running
    #expect(result.status == .cancelled)
    #expect(MonotonicClock.now() - start < .seconds(50))
    let process = try #require(Int32(result.output.split(separator: "\n").first ?? ""))
    #expect(isGone(process))
    #expect(try await shell("sleep 100", cancellation: flag).status == .cancelled)
  }

  @Test("a grandchild that holds the output does not delay the run, and is killed when the child ends")
  func grandchild() async throws {
    let start = MonotonicClock.now()
    let result = try await shell("sleep 100 & echo $!")
    #expect(result.status == .exited(0))
    #expect(MonotonicClock.now() - start < .seconds(50))
    let process = try #require(Int32(result.output.split(separator: "\n").first ?? ""))
    #expect(try await eventually { !isRunning(process) })
  }

  @Test("a child dies when the thread that started it ends")
  func parentDeath() async throws {
    let executor = WorkerPool(name: "short-lived", limit: 1, idleLimit: .milliseconds(20))
    let process = await executor.run { () -> Int32 in
      let null = open("/dev/null", O_RDWR | O_CLOEXEC)
      defer { close(null) }
      var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("100"), nil]
      var environment: [UnsafeMutablePointer<CChar>?] = [nil]
      defer { arguments.forEach { free($0) } }
      return clinux_spawn("/bin/sleep", &arguments, &environment, null, null, null, getpid())
    }
    try #require(process > 0)
    #expect(try await eventually { !isRunning(process) })
    var status: Int32 = 0
    #expect(waitpid(process, &status, 0) == process)
    #expect(status & 0x7f == SIGKILL)
  }

  @Test("tools are found by plain names only")
  func tools() {
    #expect(Tools.find("sh")?.hasSuffix("/sh") == true)
    #expect(Tools.find("no-such-tool") == nil)
    #expect(Tools.find("../bin/sh") == nil)
  }
}

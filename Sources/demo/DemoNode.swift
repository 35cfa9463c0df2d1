import Glibc
import LinuxSystem

/// The node: its daemon, its tools and the operator's commands. All its files are below one directory.
final class DemoNode {
  let root: String
  let group = "elastic-local-vg"
  private let products: String
  private var daemon: pid_t?

  init(root: String, products: String) {
    self.root = root
    self.products = products
  }

  var kubeletRoot: String { root + "/kubelet" }
  var plugins: String { root + "/plugins" }
  var socket: String { root + "/run/socket" }
  private var logFile: String { root + "/daemon.log" }

  /// The last lines of the daemon's log.
  var daemonLog: String {
    let lines = ((try? Files.readText(logFile)) ?? "").split(separator: "\n")
    return lines.suffix(20).joined(separator: "\n")
  }

  /// How many daemons of this node have started to serve.
  private var startCount: Int {
    ((try? Files.readText(logFile)) ?? "").split(separator: "\n").count { $0.contains(" notice serving ") }
  }

  // MARK: the daemon

  /// Starts the daemon and waits until it serves.
  func startDaemon() async throws {
    let (began, starts) = (MonotonicClock.now(), startCount)
    let words = [
      products + "/elastic-local-node", "serve", "--volume-group", group, "--kubelet-root", kubeletRoot, "--state-dir",
      root + "/state", "--socket", socket, "--node-name", "demo", "--reclaim-grace", "1",
    ]
    daemon = try Self.spawn(words, log: logFile)
    while startCount == starts {
      try require(isDaemonRunning, "the daemon ended")
      try require(MonotonicClock.now() - began < .seconds(30), "the daemon does not answer")
      try await Task.sleep(for: .milliseconds(10))
    }
    StepPrinter.print("the daemon serves after \(StepPrinter.milliseconds(MonotonicClock.now() - began))")
  }

  /// Kills the daemon with SIGKILL, as the kernel does when memory is short.
  func killDaemon() {
    guard let daemon else { return }
    kill(daemon, SIGKILL)
    waitpid(daemon, nil, 0)
    self.daemon = nil
  }

  /// Ends the daemon with SIGTERM.
  func stopDaemon() throws {
    guard let daemon else { return }
    kill(daemon, SIGTERM)
    var status: Int32 = 0
    waitpid(daemon, &status, 0)
    self.daemon = nil
    try require(status == 0, "the daemon did not end well")
  }

  private var isDaemonRunning: Bool { daemon.map { waitpid($0, nil, WNOHANG) == 0 } ?? false }

  private static func spawn(_ words: [String], log: String) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    let argv = words.map { strdup($0) } + [nil]
    defer { for word in argv { free(word) } }
    var pid: pid_t = 0
    let result = posix_spawn(&pid, words[0], &actions, nil, argv, environ)
    try require(result == 0, "\(words[0]) cannot be started: \(Errno(rawValue: result))")
    return pid
  }

  /// Flushes the file system to the disk, as the kernel would do by itself some seconds later.
  func sync() throws { _ = try output("sync", "-f", root) }

  // MARK: programs

  /// Runs our own tool and shows its output, with lines cut at `width`.
  func tool(_ words: String..., width: Int = .max, mustSucceed: Bool = true) throws {
    let began = MonotonicClock.now()
    let result = try ChildProcess.run(
      products + "/elastic-local-node", words,
      environment: ChildProcess.minimalEnvironment + ["ELASTIC_LOCAL_SOCKET=\(socket)"], deadline: .seconds(60))
    let took = StepPrinter.milliseconds(MonotonicClock.now() - began)
    let lines = result.output.split(separator: "\n").map { "  " + $0.prefix(width) }
    StepPrinter.print(
      "$ elastic-local-node \(words.joined(separator: " "))   \(took)\n\(lines.joined(separator: "\n"))")
    try require(result.isSuccess == mustSucceed, "that was to \(mustSucceed ? "succeed" : "fail")")
  }

  /// Returns the output of a program that must succeed.
  func output(_ name: String, _ words: String...) throws -> String {
    guard let path = Tools.find(name) else { throw DemoFailure("\(name) is not installed") }
    let result = try ChildProcess.run(path, words, deadline: .seconds(60))
    try require(result.isSuccess, "\(name) \(words.joined(separator: " ")): \(result.output)")
    return result.output
  }
}

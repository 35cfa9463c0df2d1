import Glibc
import LinuxSystem
import Synchronization

/// The process of the daemon under test.
final class Daemon: Sendable {
  private let cancellation = CancellationFlag()
  private let result = Mutex<ChildResult?>(nil)
  private let place: Place
  private let pipe: FullPipe?

  static let metricsPort: UInt16 = 9810

  /// Its directories and addresses.
  struct Place: Sendable {
    let executable: String
    let root: String
    var state: String { root + "/state" }
    var kubelet: String { root + "/kubelet" }
    var socket: String { root + "/run/socket" }
    var kubeconfig: String { root + "/kubeconfig" }
  }

  private static let pool = WorkerPool(name: "daemon", limit: 4)

  /// Starts the daemon and waits until it serves or has ended. Returns at once if `waits` is false.
  ///
  /// - Parameter logsUnread: whether its log goes to a full pipe that is not read.
  init(_ place: Place, fault: String? = nil, logsUnread: Bool = false, waits: Bool = true) async throws {
    self.place = place
    var environment = OwnProcess.environment
    environment["ELASTIC_LOCAL_FAULT"] = fault
    let variables = environment.map { "\($0.key)=\($0.value)" }
    let words = [
      "serve", "--metrics-address", "127.0.0.1:\(Self.metricsPort)", "--engine", "lvm", "--volume-group", Group.name,
      "--thin-pool", Group.pool, "--thin-overprovision", "4",
      "--socket", place.socket, "--state-dir", place.state, "--kubelet-root", place.kubelet, "--node-name",
      NodeUnderTest.name, "--namespace", NodeUnderTest.namespace, "--kubeconfig", place.kubeconfig, "--reclaim-grace",
      "0",
    ]
    pipe = logsUnread ? try FullPipe(path: place.root + "/full-pipe") : nil
    let command = pipe?.command(place.executable, words) ?? (place.executable, words)
    Self.pool.post { [self] in
      let end: ChildResult
      do throws(SystemError) {
        end = try ChildProcess.run(
          command.0, command.1, environment: variables, deadline: .seconds(86_400), cancellation: cancellation)
      } catch {
        end = ChildResult(status: .exited(127), output: "\(error)")
      }
      result.withLock { $0 = end }
    }
    guard waits else { return }
    try await Waiting.until(seconds: 60, Finding("the daemon neither serves nor ends for 60 s")) { [self] in
      isServing || !isRunning
    }
  }

  var isRunning: Bool { result.withLock { $0 == nil } }
  private var isServing: Bool { (try? UnixSocket.connect(path: place.socket)) != nil }
  /// The end of its output, once it has ended.
  var log: String { result.withLock { $0?.output ?? "" } }
  var status: ChildResult.Status? { result.withLock { $0?.status } }

  /// Sends SIGKILL and waits for the end.
  func kill9() async throws {
    cancellation.cancel()
    try await waitForEnd()
  }

  /// Sends SIGKILL as soon as the node exists, or after two seconds, and waits for the end.
  func kill9(whenAppears node: String) async throws {
    guard isRunning, let process = ExclusiveLock.holder(place.state + "/lock") else { return }
    try await NodeWatch.kill(process, whenAppears: node, limit: .seconds(2))
    try await kill9()
  }

  /// Sends SIGTERM without waiting.
  func terminate() {
    guard isRunning, let process = ExclusiveLock.holder(place.state + "/lock") else { return }
    kill(process, SIGTERM)
  }

  /// Limits the daemon to this many more descriptors while `body` runs.
  func withDescriptors(_ left: Int, _ body: () async throws -> Void) async throws {
    guard isRunning, let process = ExclusiveLock.holder(place.state + "/lock") else { return }
    let used = try Files.list("/proc/\(process)/fd").compactMap { Int($0) }.max() ?? 0
    let former = try await limit(of: process)
    try await setLimit("\(used + 1 + left)", of: process)
    try await body()
    try await setLimit(former, of: process)
  }

  private func limit(of process: Int32) async throws -> String {
    let text = try await Shell.run("prlimit", "--pid", "\(process)", "--nofile", "--output", "SOFT", "--noheadings")
    return String(text.filter(\.isNumber))
  }

  private func setLimit(_ limit: String, of process: Int32) async throws {
    let result = try await Shell.attempt("prlimit", ["--pid", "\(process)", "--nofile=\(limit):"])
    // A daemon that has ended has no limits.
    if !result.isSuccess, isRunning { throw TortureError("prlimit: \(result.output)") }
  }

  func waitForEnd() async throws {
    try await Waiting.until(seconds: 60, Finding("the daemon does not end for 60 s")) { [self] in !isRunning }
  }
}

enum Waiting {
  /// Waits until the condition is true.
  static func until(seconds: Double, _ otherwise: any Error, _ condition: () throws -> Bool) async throws {
    let limit = MonotonicClock.now() + .milliseconds(Int64(seconds * 1000))
    while try !condition() {
      guard MonotonicClock.now() < limit else { throw otherwise }
      try await Task.sleep(for: .milliseconds(3))
    }
  }
}

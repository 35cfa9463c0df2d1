import Glibc
import LinuxSystem

/// A program that was started: its output goes into files, so that it never blocks on us.
final class Program {
  /// How a program ended and what it said.
  struct Ended {
    let output: String
    let errors: String
    /// The exit code; nil when a signal ended it.
    let exitCode: Int32?
    let signal: Int32?
    let seconds: Double
  }

  let pid: pid_t
  private let name: String
  private let outputFile: String
  private let errorFile: String
  private let startedAt = MonotonicClock.now()
  private var ended: Ended?

  init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    name = lastComponent(of: path)
    let prefix = Scratch.fresh("program")
    outputFile = prefix + ".out"
    errorFile = prefix + ".err"
    let merged = OwnProcess.environment.merging(environment) { $1 }
    pid = try Self.spawn(
      [path] + arguments, merged.map { "\($0.key)=\($0.value)" }, output: outputFile, errors: errorFile)
  }

  private static func spawn(
    _ arguments: [String], _ environment: [String], output: String, errors: String
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    let argv = arguments.map { strdup($0) } + [nil]
    let envp = environment.map { strdup($0) } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    var pid: pid_t = 0
    let result = posix_spawn(&pid, arguments[0], &actions, nil, argv, envp)
    guard result == 0 else {
      throw SystemError(operation: "start", subject: arguments[0], errno: Errno(rawValue: result))
    }
    return pid
  }

  /// What it has said on standard error so far.
  var errors: String { (try? Files.readText(errorFile)) ?? "" }
  var output: String { (try? Files.readText(outputFile)) ?? "" }

  var isRunning: Bool { poll() == nil }

  func send(_ signal: Int32) {
    if ended == nil { kill(pid, signal) }
  }

  /// Waits for the end; a program that takes longer is killed, and that is a failure.
  @discardableResult
  func wait(seconds: Double = 120) throws -> Ended {
    let limit = MonotonicClock.now() + .milliseconds(Int64(seconds * 1000))
    while MonotonicClock.now() < limit {
      if let ended = poll() { return ended }
      usleep(1000)
    }
    send(SIGKILL)
    throw Trouble("\(name) did not end within \(seconds) s: \(errors)")
  }

  private func poll() -> Ended? {
    if let ended { return ended }
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    let signal = status & 0x7f
    let result = Ended(
      output: output, errors: errors, exitCode: signal == 0 ? status >> 8 & 0xff : nil,
      signal: signal == 0 ? nil : signal, seconds: (MonotonicClock.now() - startedAt).asSeconds)
    ended = result
    unlink(outputFile)
    unlink(errorFile)
    return result
  }
}

/// Runs a tool that has to succeed and returns what it printed.
@discardableResult
func run(_ tool: String, _ arguments: [String]) throws -> String {
  let ended = try attempt(tool, arguments)
  guard ended.exitCode == 0 else {
    throw Trouble("\(tool) \(arguments.joined(separator: " ")): \(ended.exitCode ?? -1) \(ended.errors)\(ended.output)")
  }
  return ended.output
}

@discardableResult
func run(_ tool: String, _ arguments: String...) throws -> String { try run(tool, arguments) }

/// Runs a tool that may fail.
func attempt(_ tool: String, _ arguments: [String]) throws -> Program.Ended {
  guard let path = Tools.find(tool) else { throw Trouble("\(tool) is not installed") }
  return try Program(path, arguments).wait()
}

/// Why a test cannot go on.
struct Trouble: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

extension Duration {
  var asSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// Waits until something is true, and lets others go on meanwhile. The limit is only for what never comes true: a busy machine
/// may take long.
func eventually(seconds: Double = 60, _ condition: () async throws -> Bool) async rethrows -> Bool {
  let limit = MonotonicClock.now() + .milliseconds(Int64(seconds * 1000))
  while MonotonicClock.now() < limit {
    if try await condition() { return true }
    // Only a cancelled test wakes up early, and then it does not matter.
    try? await Task.sleep(for: .milliseconds(3))
  }
  return try await condition()
}

import Foundation
import Testing

/// The result of a finished process.
struct Run: Sendable {
  var output: [UInt8]
  var error: [UInt8]
  /// Nil if a signal ended the process.
  var exitCode: Int32?
  var duration: Duration

  var text: String { String(decoding: output, as: UTF8.self) }
}

/// Runs a program as the kubelet does: argv of any bytes, and stdin of /dev/null. Unlike the kubelet it separates
/// stdout and stderr.
///
/// The calling task is suspended and a new thread waits, so that tests do not block each other.
func run(
  _ program: String, _ arguments: [[UInt8]], environment: [String: String] = [:], closingStandardOutput: Bool = false
) async throws -> Run {
  try await onThread {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    return try runBlocking(program, arguments, environment, closingStandardOutput, in: directory.path)
  }
}

func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> Run {
  try await run(program, arguments.map { Array($0.utf8) }, environment: environment)
}

/// Runs blocking work on a new thread.
func onThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
  }
}

struct TestFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

private func runBlocking(
  _ program: String, _ arguments: [[UInt8]], _ environment: [String: String], _ closingStandardOutput: Bool,
  in directory: String
) throws -> Run {
  let output = directory + "/out"
  let error = directory + "/err"
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
  posix_spawn_file_actions_addopen(&actions, 2, error, O_WRONLY | O_CREAT, 0o600)
  if closingStandardOutput { posix_spawn_file_actions_addclose(&actions, 1) }

  let argv = cStrings([Array(program.utf8)] + arguments)
  let inherited = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
  let variables = inherited.merging(environment) { _, new in new }
  let envp = cStrings(variables.map { Array("\($0.key)=\($0.value)".utf8) })
  defer { (argv + envp).forEach { free($0) } }

  let clock = ContinuousClock()
  let start = clock.now
  var process: pid_t = 0
  let result = posix_spawn(&process, program, &actions, nil, argv, envp)
  guard result == 0 else { throw TestFailure("cannot run \(program): \(String(cString: strerror(result)))") }
  var status: Int32 = 0
  while waitpid(process, &status, 0) < 0 && errno == EINTR {}
  return Run(
    output: contents(of: output), error: contents(of: error),
    exitCode: status & 0x7F == 0 ? (status >> 8) & 0xFF : nil, duration: clock.now - start)
}

/// Returns a vector for exec. The caller frees each string.
private func cStrings(_ strings: [[UInt8]]) -> [UnsafeMutablePointer<CChar>?] {
  strings.map { string in
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count + 1)
    for (index, byte) in string.enumerated() { copy[index] = CChar(bitPattern: byte) }
    copy[string.count] = 0
    return copy
  } + [nil]
}

private func contents(of path: String) -> [UInt8] { [UInt8](FileManager.default.contents(atPath: path) ?? Data()) }

/// Creates a directory for one test, with a path short enough for a socket. The caller removes it.
struct TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/flex.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TestFailure("mkdtemp: \(String(cString: strerror(errno)))") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}

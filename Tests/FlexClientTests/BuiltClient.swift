import Foundation

/// The executables under test: at `ELASTIC_LOCAL_CLIENT` with the other variant beside it, or beside this test.
enum BuiltClient {
  static func path(attach: Bool = false) throws -> String {
    let path = plainPath + (attach ? "-attach" : "")
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw TestFailure("\(path) is not built: run swift build first, or set ELASTIC_LOCAL_CLIENT")
    }
    return path
  }

  static var directory: String { (plainPath as NSString).deletingLastPathComponent }

  /// The root of the package.
  static var package: String {
    var url = URL(filePath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.path
  }

  private static var plainPath: String {
    if let path = ProcessInfo.processInfo.environment["ELASTIC_LOCAL_CLIENT"] { return path }
    let test =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return (test as NSString).deletingLastPathComponent + "/elastic-local"
  }
}

/// Runs the client against a socket.
func callClient(
  _ arguments: [[UInt8]], socket: String, timeout: String? = nil, attach: Bool = false,
  closingStandardOutput: Bool = false
) async throws -> Run {
  var environment = ["ELASTIC_LOCAL_SOCKET": socket]
  environment["ELASTIC_LOCAL_TIMEOUT"] = timeout
  return try await run(
    BuiltClient.path(attach: attach), arguments, environment: environment, closingStandardOutput: closingStandardOutput)
}

func callClient(_ arguments: [String], socket: String, timeout: String? = nil, attach: Bool = false) async throws -> Run
{
  try await callClient(arguments.map { Array($0.utf8) }, socket: socket, timeout: timeout, attach: attach)
}

import Glibc
import VolumeHost

/// The command.
@main
enum FlexSanity {
  static func main() async {
    do {
      exit(try await run(Arguments(Array(CommandLine.arguments.dropFirst()))))
    } catch let error as UsageError {
      complain("\(error.message)\n\(Arguments.help)")
    } catch {
      complain("\(error)")
    }
  }

  private static func run(_ arguments: Arguments) async throws -> Int32 {
    if arguments.isHelp { return say(Arguments.help) }
    if arguments.isList { return say(list) }
    guard !arguments.driver.isEmpty else { throw UsageError("no driver was given") }
    guard let path = realpath(arguments.driver, nil) else {
      throw UsageError("driver \(arguments.driver) does not exist")
    }
    defer { free(path) }
    try requireExecutable(path)
    try requireRoot(arguments.options.root)
    var report = Report(isJSON: arguments.isJSON)
    try await DriverSanity(executable: String(cString: path), options: arguments.options).run { report.add($0) }
    report.finish()
    return report.failed == 0 ? 0 : 1
  }

  /// Requires an executable file. Otherwise a kubelet would report "unexpected end of JSON input" for each call and not
  /// the cause.
  private static func requireExecutable(_ path: UnsafePointer<CChar>) throws(UsageError) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(path, X_OK) == 0 else {
      throw UsageError("\(String(cString: path)) is not an executable file")
    }
  }

  /// Requires root and an existing directory. Without them every case would fail or leave a directory behind, and the
  /// driver would be blamed.
  private static func requireRoot(_ directory: String?) throws(UsageError) {
    guard geteuid() == 0 else { throw UsageError("must run as root, because it mounts as a kubelet does") }
    var status = stat()
    guard let directory else { return }
    guard stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw UsageError("--root \(directory) is not a directory")
    }
  }

  private static var list: String {
    SanityCase.all.map { "\($0.name)\n    \($0.reason)\n    Otherwise: \($0.consequence)\n" }.joined()
  }

  private static func say(_ text: String) -> Int32 {
    print(text, terminator: "")
    return 0
  }

  private static func complain(_ text: String) -> Never {
    let bytes = Array("flex-sanity: \(text)\n".utf8)
    // There is no other place to report a failure of this write.
    _ = write(STDERR_FILENO, bytes, bytes.count)
    exit(2)
  }
}

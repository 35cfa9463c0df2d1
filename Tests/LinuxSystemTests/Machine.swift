import Glibc
import LinuxSystem
import Testing

/// The abilities of this machine that tests need.
enum Machine {
  static let isRoot = geteuid() == 0
  static let hasLoopDevices = isRoot && Files.exists("/dev/loop-control")
  static let needsRoot: Comment = "skipped: needs root"
  static let needsLoopDevices: Comment = "skipped: needs root and /dev/loop-control"

  /// CAP_SYS_RESOURCE, number 24 in capabilities(7). ext4 requires it to grow online.
  static var canResizeExt4: Bool {
    let status = (try? Files.readText("/proc/self/status")) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
    let mask = line.flatMap { UInt64($0.split(separator: "\t").last ?? "", radix: 16) } ?? 0
    return mask >> 24 & 1 == 1
  }

  static func has(_ tools: String...) -> Bool { tools.allSatisfy { Tools.find($0) != nil } }
}

/// A directory for one test, removed with the last reference to it. `KEEP=1` keeps it.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    let template = "/tmp/elastic-local-test-XXXXXX"
    var bytes = Array(template.utf8CString)
    guard mkdtemp(&bytes) != nil else {
      throw SystemError(operation: "make directory", subject: template, errno: .current)
    }
    path = try Files.realPath(bytes.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
  }

  deinit {
    guard OwnProcess.environment["KEEP"] != "1" else { return }
    // The mounts of a failed test, from the innermost outwards.
    let mounts = (try? MountTable.current().below(path)) ?? []
    for mount in mounts.reversed() { _ = try? Mounting.unmountAllLayers(mount.mountPoint) }
    for loop in (try? LoopDevice.all()) ?? [] where loop.backingFile.hasPrefix(path + "/") {
      try? LoopDevice.detach(loop.device)
    }
    try? Files.removeTree(path)
  }

  subscript(name: String) -> String { path + "/" + name }

  /// Creates a sparse file.
  func image(_ name: String, mebibytes: Int) throws -> String {
    let file = try Descriptor.open(self[name], O_RDWR | O_CREAT, mode: 0o600)
    guard ftruncate(file.rawValue, off_t(mebibytes << 20)) == 0 else {
      throw SystemError(operation: "truncate", subject: self[name], errno: .current)
    }
    return self[name]
  }

  func directory(_ name: String) throws -> String {
    try Files.makeDirectories(self[name], mode: 0o755)
    return self[name]
  }

  func write(_ text: String, to name: String) throws {
    try Files.writeDurably(Array(text.utf8), to: self[name])
  }
}

/// Overwrites a part of a file.
func patch(_ path: String, at offset: Int, _ bytes: [UInt8]) throws {
  let file = try Descriptor.open(path, O_WRONLY)
  let written = bytes.withUnsafeBytes { pwrite(file.rawValue, $0.baseAddress, $0.count, off_t(offset)) }
  guard written == bytes.count else { throw SystemError(operation: "write", subject: path, errno: .current) }
}

/// Runs a tool that must succeed.
@discardableResult
func run(_ tool: String, _ arguments: String...) throws -> String {
  let path = try #require(Tools.find(tool), "\(tool) is not installed")
  let result = try ChildProcess.run(path, arguments, deadline: .seconds(60))
  try #require(result.isSuccess, "\(tool): \(result.status) \(result.output)")
  return result.output
}

/// Waits until a condition is true, for at most a minute.
func eventually(_ condition: () throws -> Bool) async throws -> Bool {
  let limit = MonotonicClock.now() + .seconds(60)
  while MonotonicClock.now() < limit {
    if try condition() { return true }
    try await Task.sleep(for: .milliseconds(5))
  }
  return try condition()
}

/// Returns the errno of the error that a call throws. Nil if it throws none.
func failure(_ body: () throws(SystemError) -> Void) -> Errno? {
  do throws(SystemError) {
    try body()
    return nil
  } catch {
    return error.errno
  }
}

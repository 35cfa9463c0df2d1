import Glibc
import LinuxSystem
import StorageModel
import TestSupport
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

extension TemporaryDirectory {
  func image(_ name: String, mebibytes: Int) throws -> String { try image(name, .mebibytes(UInt64(mebibytes))) }
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

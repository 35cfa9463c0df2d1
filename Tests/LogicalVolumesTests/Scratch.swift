import Glibc
import LinuxSystem
import LogicalVolumes
import StorageModel
import Testing

/// What this machine lets tests do.
enum Machine {
  static let isRoot = geteuid() == 0
  static let hasLoopDevices = isRoot && Files.exists("/dev/loop-control")
  static let needsLoopDevices: Comment = "skipped: needs root and /dev/loop-control"
  static let hasLVMTools = hasLoopDevices && Tools.find("vgcreate") != nil
  static let needsLVMTools: Comment = "skipped: needs root, /dev/loop-control and the tools of lvm2"
}

/// A directory of its own for a test, removed with the last reference to it; mounts and loop devices that a failed test
/// left there are taken down first.
final class ScratchDirectory: Sendable {
  let path: String

  /// - Parameter mebibytes: the size of a tmpfs to mount there, so that "full" can be reached; needs root. Nil for a
  ///   part of the disk.
  init(mebibytes: Int? = nil) throws {
    let template = "/tmp/elastic-local-test-XXXXXX"
    var bytes = Array(template.utf8CString)
    guard mkdtemp(&bytes) != nil else {
      throw SystemError(operation: "make directory", subject: template, errno: .current)
    }
    path = try Files.realPath(bytes.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
    if let mebibytes {
      try Mounting.mount(device: "scratch", atPath: path, fileSystem: "tmpfs", flags: [], data: "size=\(mebibytes)m")
    }
  }

  deinit {
    for loop in (try? LoopDevice.all()) ?? [] where loop.backingFile.hasPrefix(path + "/") {
      try? LoopDevice.detach(loop.device)
    }
    _ = try? Mounting.unmountAllLayers(path)
    try? Files.removeTree(path)
  }

  subscript(name: String) -> String { path + "/" + name }

  func directory(_ name: String) throws -> String {
    try Files.makeDirectories(self[name], mode: 0o700)
    return self[name]
  }

  func write(_ text: String, to name: String) throws { try Files.writeDurably(Array(text.utf8), to: self[name]) }

  func sparse(_ name: String, _ size: ByteCount) throws { try Files.makeSparse(self[name], size: size, mode: 0o600) }
}

/// Runs a tool that has to succeed.
@discardableResult
func run(_ tool: String, _ arguments: [String], environment: [String] = []) throws -> String {
  let path = try #require(Tools.find(tool), "\(tool) is not installed")
  let result = try ChildProcess.run(
    path, arguments, environment: ChildProcess.minimalEnvironment + environment, deadline: .seconds(60))
  try #require(result.isSuccess, "\(tool): \(result.status) \(result.output)")
  return result.output
}

/// The error that a call throws; nil when it throws none.
func failure(_ body: () async throws(VolumeError) -> Void) async -> VolumeError? {
  do throws(VolumeError) {
    try await body()
    return nil
  } catch {
    return error
  }
}

func token(_ text: String = "abcdefghijklmnop") throws -> CreationToken { try #require(CreationToken(text)) }

func claim(_ text: String = "0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f") throws -> ClaimUID { try #require(ClaimUID(text)) }

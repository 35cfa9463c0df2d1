internal import Glibc
package import LinuxSystem
package import StorageModel

/// A directory of its own for a test, removed with the last reference to it. Mounts and loop devices that a failed test left
/// there are taken down first. `KEEP=1` keeps it.
package final class TemporaryDirectory: Sendable {
  package let path: String

  package init() throws(SystemError) {
    let template = "/tmp/elastic-local-test-XXXXXX"
    var bytes = Array(template.utf8CString)
    guard mkdtemp(&bytes) != nil else {
      throw SystemError(operation: "make directory", subject: template, errno: .current)
    }
    path = try Files.realPath(String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }

  deinit {
    guard OwnProcess.environment["KEEP"] != "1" else { return }
    // From the innermost outwards.
    let mounts = (try? MountTable.current().below(path)) ?? []
    for mount in mounts.reversed() { _ = try? Mounting.unmountAllLayers(mount.mountPoint) }
    for loop in (try? LoopDevice.all()) ?? [] where loop.backingFile.hasPrefix(path + "/") {
      try? LoopDevice.detach(loop.device)
    }
    try? Files.removeTree(path)
  }

  /// A path below it.
  package subscript(name: String) -> String { path + "/" + name }

  /// Makes a directory below it.
  @discardableResult
  package func directory(_ name: String, mode: UInt32 = 0o755) throws -> String {
    try Files.makeDirectories(self[name], mode: mode)
    return self[name]
  }

  package func write(_ text: String, to name: String) throws {
    try Files.writeDurably(Array(text.utf8), to: self[name])
  }

  /// Makes a sparse file below it.
  package func image(_ name: String, _ size: ByteCount) throws -> String {
    try Files.makeSparse(self[name], size: size, mode: 0o600)
    return self[name]
  }
}

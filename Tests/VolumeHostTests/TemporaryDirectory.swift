import Glibc
import LinuxSystem

/// A directory for one test, removed with the last reference to it.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var bytes = Array("/tmp/volume-host-test-XXXXXX".utf8CString)
    guard mkdtemp(&bytes) != nil else {
      throw SystemError(operation: "make directory", subject: "/tmp", errno: .current)
    }
    path = try Files.realPath(String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }

  deinit { try? Files.removeTree(path) }

  /// Returns a path below the directory.
  subscript(name: String) -> String { path + "/" + name }

  /// Creates a directory below it.
  @discardableResult
  func directory(_ name: String) throws -> String {
    try Files.makeDirectories(self[name], mode: 0o755)
    return self[name]
  }

  /// Creates a shell script below it, as an installer does: writes it beside its place and renames it.
  @discardableResult
  func executable(_ name: String, _ script: String) throws -> String {
    let path = self[name]
    let cut = path.lastIndex(of: "/") ?? path.startIndex
    let temporary = path[..<cut] + "/." + path[cut...].dropFirst()
    try write("#!/bin/sh\n" + script + "\n", to: String(temporary))
    guard chmod(String(temporary), 0o755) == 0 else {
      throw SystemError(operation: "chmod", subject: path, errno: .current)
    }
    try Files.rename(String(temporary), to: path)
    return path
  }

  private func write(_ text: String, to path: String) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    let bytes = Array(text.utf8)
    guard Glibc.write(file.rawValue, bytes, bytes.count) == bytes.count else {
      throw SystemError(operation: "write", subject: path, errno: .current)
    }
  }

  /// Creates a sparse file below it.
  func image(_ name: String, bytes: Int) throws -> String {
    let path = try file(name)
    guard truncate(path, bytes) == 0 else {
      throw SystemError(operation: "truncate", subject: path, errno: .current)
    }
    return path
  }

  /// Creates a file below it.
  @discardableResult
  func file(_ name: String, _ text: String = "") throws -> String {
    try write(text, to: self[name])
    return self[name]
  }
}

internal import Glibc
internal import LinuxSystem

package enum TemporaryDirectory {
  /// Makes a directory that nobody else has, mkdtemp(3), and returns its path. Throws a `SystemError`.
  ///
  /// - Parameter prefix: the beginning of its path.
  package static func make(_ prefix: String) throws -> String {
    var template = Array((prefix + "XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      throw SystemError(operation: "make directory", subject: prefix, errno: .current)
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

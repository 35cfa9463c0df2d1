internal import Glibc

/// Finds programs of the operating system.
package enum Tools {
  /// The directories searched, in this order.
  package static let directories = [
    "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
  ]

  /// Returns the absolute path of an executable. Nil if there is none of that name. Ignores `PATH`.
  package static func find(_ name: String) -> String? {
    guard SafePath.isPlain(name) else { return nil }
    return directories.map { Files.join($0, name) }.first { access($0, X_OK) == 0 }
  }
}

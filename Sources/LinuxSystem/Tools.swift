internal import Glibc

/// Programs of the operating system.
package enum Tools {
  /// Where they are looked for, in this order.
  package static let directories = [
    "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
  ]

  /// The absolute path of an executable; nil when there is none of that name. `PATH` is not consulted.
  package static func find(_ name: String) -> String? {
    guard SafePath.isPlain(name) else { return nil }
    return directories.map { Files.join($0, name) }.first { access($0, X_OK) == 0 }
  }
}

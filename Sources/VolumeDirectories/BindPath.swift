/// The rules for a path below `bind`. They compare bytes, because one Swift character can contain a slash and an
/// accent.
enum BindPath {
  static let slash = UInt8(ascii: "/")
  /// `NAME_MAX` of Linux and of each supported file system, in bytes.
  static let longestComponent = 255
  /// The limit for `bind/` and the path, in bytes: `PATH_MAX` of Linux, 4,096 bytes, less 512 for the directory where
  /// kubelet has mounted the volume.
  static let longestPath = 3584

  /// Removes empty components and `.` from a path.
  ///
  /// - Throws: ``VolumeDirectoryError`` for a path that has no directory.
  static func clean(_ path: String) throws(VolumeDirectoryError) -> String {
    // The kernel ends a path at NUL. The other control characters would break the lines of manifests and logs.
    if let byte = path.utf8.first(where: { $0 < 0x20 || $0 == 0x7F }) { throw .controlCharacter(byte, in: path) }
    let components = path.utf8.split(separator: slash).map { String(Substring($0)) }.filter { $0 != "." }
    if components.isEmpty { throw .emptyPath(path) }
    if components.contains("..") { throw .parentComponent(path) }
    if let long = components.first(where: { $0.utf8.count > longestComponent }) { throw .componentTooLong(long) }
    let clean = components.joined(separator: "/")
    if "bind/".utf8.count + clean.utf8.count > longestPath { throw .pathTooLong(bytes: clean.utf8.count) }
    return clean
  }
}

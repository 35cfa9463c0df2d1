internal import Glibc
internal import LinuxSystem

/// The files and mounts that the bench checks itself.
enum BenchFiles {
  static func mountCount(_ path: String) throws -> Int { try MountTable.current().at(path).count }

  static func mounts(below path: String) throws -> [String] {
    try MountTable.current().below(path).map(\.mountPoint)
  }

  static func exists(_ path: String) -> Bool { Files.exists(path) }

  static func names(in path: String) -> [String] { (try? Files.list(path)) ?? [] }

  /// Writes a small file. Returns the errno's text if that fails.
  static func write(_ path: String, _ text: String) -> String? {
    let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard number >= 0 else { return Errno.current.text }
    defer { close(number) }
    let bytes = Array(text.utf8)
    return Glibc.write(number, bytes, bytes.count) == bytes.count ? nil : Errno.current.text
  }

  static func read(_ path: String) -> String? { try? Files.readText(path) }

  static func group(of path: String) -> UInt32? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_gid : nil
  }

  /// Returns names, sizes and times of everything in a directory, except names that begin with a dot.
  static func snapshot(_ path: String) -> [String] {
    names(in: path).filter { !$0.hasPrefix(".") }.map { name in
      var status = stat()
      guard lstat("\(path)/\(name)", &status) == 0 else { return name }
      return "\(name) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }
  }

  /// Returns the real path of a directory and creates it if it is missing. The kernel's mount table has real paths
  /// only, and drivers run in "/".
  static func makeRoot(_ path: String) throws -> String {
    try Files.makeDirectories(path, mode: 0o755)
    return try Files.realPath(path)
  }

  /// Creates a scratch directory and returns its real path.
  static func makeScratch() throws -> String {
    var bytes = Array("/tmp/flex-sanity-XXXXXX".utf8CString)
    guard mkdtemp(&bytes) != nil else {
      throw SystemError(operation: "make directory", subject: "/tmp", errno: .current)
    }
    return try Files.realPath(String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }

  /// Removes our pods' directories if they are empty.
  static func removePods(in pods: String) {
    for uid in names(in: pods) where uid.hasPrefix(SanityBench.uidPrefix) {
      let volumes = "\(pods)/\(uid)/volumes"
      for plugin in names(in: volumes) {
        for name in names(in: "\(volumes)/\(plugin)") { rmdir("\(volumes)/\(plugin)/\(name)") }
        rmdir("\(volumes)/\(plugin)")
      }
      rmdir(volumes)
      rmdir("\(pods)/\(uid)")
    }
  }

  /// Removes a scratch directory. First unmounts what a faulty driver left mounted in it: nothing else knows about
  /// these mounts. If that fails, the directory stays.
  static func removeScratch(_ path: String) {
    for mount in ((try? mounts(below: path)) ?? []).reversed() { _ = try? Mounting.unmountAllLayers(mount) }
    if (try? mounts(below: path))?.isEmpty == true { try? Files.removeTree(path) }
  }
}

internal import Glibc
@testable internal import LinuxSystem

extension FuzzTarget {
  /// /proc/self/mountinfo: what is read and written again as the kernel does is the same, and no mount is overlooked.
  static let mountinfo = FuzzTarget("mountinfo") { bytes throws(Violation) in
    let table: MountTable
    do throws(SystemError) {
      table = try MountTable(parsing: bytes)
    } catch {
      return try hold(error.errno == .invalid, "refused as \(error)")
    }
    let lines = bytes.split(separator: 0x0A).count
    try hold(table.entries.count == lines, "\(table.entries.count) mounts of \(lines) lines")
    let written = table.entries.map(line).joined(separator: "\n")
    let again = try mustSucceed("reading \(written)") { try MountTable(parsing: written) }
    try hold(again.entries == table.entries, "\(table.entries) becomes \(again.entries)")
    for entry in table.entries { try check(entry, in: table) }
  }

  private static func check(_ entry: MountEntry, in table: MountTable) throws(Violation) {
    let layers = table.at(entry.mountPoint)
    let same = table.entries.filter { $0.mountPoint.isSame(entry.mountPoint) }
    try hold(layers.allSatisfy { same.contains($0) }, "another directory's mounts at \(entry.mountPoint)")
    try hold(layers.count == same.count, "\(layers.count) of \(same.count) mounts at \(entry.mountPoint)")
    try hold(table.on(entry.device).contains(entry), "not on its own device")
    // Of every path that begins with the directory's bytes and a slash.
    let directory = entry.mountPoint.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(entry.mountPoint[..<$0]) } ?? ""
    guard !directory.isEmpty, !entry.mountPoint.isSame(directory + "/") else { return }
    try hold(table.below(directory).contains(entry), "\(entry.mountPoint) is not below \(directory)")
    if let identity = table.identity(ofDirectory: entry.mountPoint), same.count == 1, isReal(entry) {
      try hold(identity.device == entry.device && identity.root.isSame(entry.root), "\(identity) is not \(entry)")
      try hold(table.shows(identity), "\(entry.mountPoint) is mounted and not shown")
    }
  }

  /// As the kernel has them: absolute paths without a slash at the end.
  private static func isReal(_ entry: MountEntry) -> Bool {
    [entry.root, entry.mountPoint].allSatisfy { path in
      path.utf8.starts(with: "/".utf8) && (path.utf8.count == 1 || !path.utf8.suffix(1).elementsEqual("/".utf8))
    }
  }

  /// As the kernel writes it (`show_mountinfo`, Linux fs/proc_namespace.c).
  private static func line(_ entry: MountEntry) -> String {
    let groups = [entry.peerGroup.map { "shared:\($0)" }, entry.masterGroup.map { "master:\($0)" }].compactMap(\.self)
    let fields =
      [
        "\(entry.id)", "\(entry.parentID)", "\(entry.device)",
        escaped(entry.root) + (entry.isRootDeleted ? "//deleted" : ""),
        escaped(entry.mountPoint) + (entry.isDeleted ? "//deleted" : ""), escaped(entry.options.joined(separator: ",")),
      ] + groups + [
        "-", escaped(entry.fileSystemType), escaped(entry.source),
        escaped(entry.superOptions.joined(separator: ",")),
      ]
    return fields.joined(separator: " ")
  }

  private static func escaped(_ text: String) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: " "): result += "\\040".utf8
      case UInt8(ascii: "\t"): result += "\\011".utf8
      case UInt8(ascii: "\n"): result += "\\012".utf8
      case UInt8(ascii: "\\"): result += "\\134".utf8
      case UInt8(ascii: "#"): result += "\\043".utf8
      default: result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The first bytes of a device: what is said of a file system needs its magic number, and never another one's.
  static let superblock = FuzzTarget("superblock", maximumLength: 2304) { bytes throws(Violation) in
    let descriptor = try file(bytes)
    defer { close(descriptor) }
    let path = "/proc/self/fd/\(descriptor)"
    let isExt4 = bytes.count >= 2048 && bytes[1080] == 0x53 && bytes[1081] == 0xEF
    switch answer({ () throws(SystemError) in try DeviceContents.ext4NeedsCheck(path) }) {
    case .success(let needsCheck):
      try hold(isExt4, "an ext4 without its magic number")
      let (hasError, isClean) = (bytes[1082] & 2 != 0, bytes[1082] & 1 != 0)
      try hold(needsCheck || !hasError && (isClean || bytes[1116] & 4 != 0), "mounted without a check")
      try hold(!needsCheck || hasError || !isClean, "a check for a clean file system")
    case .failure(let error): try hold(!isExt4 && error.errno == .invalid, "ext4: \(error)")
    }
    let isXFS = bytes.count >= 512 && bytes.starts(with: "XFSB".utf8)
    switch answer({ () throws(SystemError) in try DeviceContents.xfsIsInProgress(path) }) {
    case .success(let isInProgress):
      try hold(isXFS && isInProgress == (bytes[126] != 0), "XFS in progress: \(isInProgress)")
    case .failure(let error): try hold(!isXFS && error.errno == .invalid, "XFS: \(error)")
    }
  }

  /// A file without a name.
  private static func file(_ bytes: [UInt8]) throws(Violation) -> Int32 {
    var name = Array("/dev/shm/fuzz-XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    try hold(descriptor >= 0, "no file in /dev/shm: errno \(errno)")
    unlink(name)
    try hold(write(descriptor, bytes, bytes.count) == bytes.count, "write: errno \(errno)")
    return descriptor
  }

  private static func answer(_ body: () throws(SystemError) -> Bool) -> Result<Bool, SystemError> {
    Result(catching: body)
  }
}

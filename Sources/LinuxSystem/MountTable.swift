internal import Glibc

/// The mounts of this process's mount namespace, as they were when the table was read.
///
/// Paths compare byte by byte, as the kernel does, so they must be real paths (`Files.realPath`), without a trailing slash.
package struct MountTable: Sendable {
  /// All mounts, in the kernel's order.
  package let entries: [MountEntry]

  /// A table made in memory.
  package init(entries: [MountEntry]) { self.entries = entries }

  /// Reads /proc/self/mountinfo through one descriptor, in large pieces: the kernel keeps a single `read` consistent,
  /// and the fewer there are the smaller the chance to miss a mount that moves within the list. Does not block.
  package static func current() throws(SystemError) -> MountTable {
    let path = "/proc/self/mountinfo"
    let file = try Descriptor.open(path, O_RDONLY)
    var bytes: [UInt8] = []
    while true {
      let chunk = try file.read(upTo: 1 << 16, subject: path)
      if chunk.isEmpty { return try MountTable(parsing: bytes) }
      bytes += chunk
    }
  }

  /// Parses the text of a mountinfo file. A line that can not be understood is `EINVAL` with that line as the
  /// subject: leaving it out could make a mounted volume look unused.
  package init(parsing bytes: [UInt8]) throws(SystemError) {
    var entries: [MountEntry] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let entry = MountEntry(line: line) else {
        throw SystemError(
          operation: "parse mountinfo line", subject: String(decoding: line, as: UTF8.self), errno: .invalid)
      }
      entries.append(entry)
    }
    self.entries = entries
  }

  /// Parses the text of a mountinfo file.
  package init(parsing text: String) throws(SystemError) { try self.init(parsing: Array(text.utf8)) }
}

extension MountTable {
  /// Everything mounted at exactly that path, lowest layer first: the last one is what a process sees there.
  package func at(_ path: String) -> [MountEntry] { Self.layered(entries.filter { isSame($0.mountPoint, path) }) }

  /// Everything whose files carry that device number. Not enough for btrfs: see `mounts(ofBlockDevice:)`.
  package func on(_ device: DeviceNumber) -> [MountEntry] { entries.filter { $0.device == device } }

  /// Everything mounted below a directory, without what is mounted at the directory itself.
  package func below(_ directory: String) -> [MountEntry] {
    let prefix = directory.hasSuffix("/") ? directory : directory + "/"
    return entries.filter { $0.mountPoint.utf8.starts(with: prefix.utf8) && !isSame($0.mountPoint, directory) }
  }

  /// Everything mounted from a block device.
  ///
  /// btrfs gives its files an anonymous device number, so for it the `source` is looked at: whichever node it names
  /// must have the number. A btrfs over several devices names only one of them; and mounts of other namespaces are in
  /// no table: `BlockDevice.isHeldElsewhere` sees both.
  package func mounts(ofBlockDevice number: DeviceNumber) -> [MountEntry] {
    mounts(ofBlockDevice: number) { source throws(SystemError) in try BlockDevice.number(of: source) }
  }

  /// The same with the look-up of `source` replaced, for tests.
  func mounts(
    ofBlockDevice number: DeviceNumber, lookUp: (String) throws(SystemError) -> DeviceNumber
  ) -> [MountEntry] {
    entries.filter { entry in
      if entry.device == number { return true }
      guard entry.fileSystemType == "btrfs", entry.source.hasPrefix("/") else { return false }
      return (try? lookUp(entry.source)) == number
    }
  }

  /// Orders mounts of one mount point by their parents: the one above names the one below. Whatever has no
  /// parent here (at most one, unless the path is hidden by a mount above it) comes in the kernel's order.
  ///
  /// Every mount comes once, whatever the numbers say: the first one of a machine names itself as its parent, and a table
  /// that was read while mounts came and went can have a number twice.
  private static func layered(_ entries: [MountEntry]) -> [MountEntry] {
    guard entries.count > 1 else { return entries }
    let numbers = Set(entries.map(\.id))
    let hasParent = { (entry: MountEntry) in entry.parentID != entry.id && numbers.contains(entry.parentID) }
    var result = entries.filter { !hasParent($0) }
    var rest = entries.filter(hasParent)
    var index = 0
    while index < result.count, !rest.isEmpty {
      let parent = result[index].id
      result += rest.filter { $0.parentID == parent }
      rest.removeAll { $0.parentID == parent }
      index += 1
    }
    return result + rest
  }
}

/// Whether two paths are the same bytes: `==` takes for equal what Unicode does, an accented letter in one and in two
/// characters, which the kernel tells apart.
func isSame(_ first: some StringProtocol, _ second: some StringProtocol) -> Bool {
  first.utf8.elementsEqual(second.utf8)
}

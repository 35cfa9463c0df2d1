internal import Glibc

/// The mounts of this process's mount namespace at the time of reading.
///
/// Paths compare byte by byte, as in the kernel. They must be real paths (`Files.realPath`) without a trailing slash.
package struct MountTable: Sendable {
  /// All mounts, in the kernel's order.
  package let entries: [MountEntry]

  /// A table made in memory.
  package init(entries: [MountEntry]) { self.entries = entries }

  /// Reads /proc/self/mountinfo through one descriptor, in large pieces. The kernel keeps a single `read` consistent.
  /// Fewer reads make it less likely to miss a mount that moves within the list. Does not block.
  ///
  /// - Throws: the error of open(2) or read(2), or `EINVAL` for a line that cannot be parsed.
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

  /// Parses the content of a mountinfo file.
  ///
  /// - Throws: `EINVAL` for a line that cannot be parsed, with the line as subject. Skipping the line could make a
  ///   mounted volume look unused.
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

  /// Parses the content of a mountinfo file, given as text.
  ///
  /// - Throws: `EINVAL` for a line that cannot be parsed, with the line as subject.
  package init(parsing text: String) throws(SystemError) { try self.init(parsing: Array(text.utf8)) }
}

extension MountTable {
  /// Returns the mounts at exactly that path, lowest layer first. A process sees the last one there.
  package func at(_ path: String) -> [MountEntry] { Self.layered(entries.filter { isSame($0.mountPoint, path) }) }

  /// Returns the mounts whose files have that device number. For btrfs that is not enough: see
  /// `mounts(ofBlockDevice:)`.
  package func on(_ device: DeviceNumber) -> [MountEntry] { entries.filter { $0.device == device } }

  /// Returns the mounts below a directory, without those at the directory itself.
  package func below(_ directory: String) -> [MountEntry] {
    let prefix = directory.hasSuffix("/") ? directory : directory + "/"
    return entries.filter { $0.mountPoint.utf8.starts(with: prefix.utf8) && !isSame($0.mountPoint, directory) }
  }

  /// Returns the mounts of a block device. Blocks for a stat(2) for each btrfs mount.
  ///
  /// btrfs gives its files an anonymous device number. So for btrfs the node that `source` names is compared. A btrfs
  /// over several devices names only one of them, and mounts of other namespaces are in no table.
  /// `BlockDevice.isHeldElsewhere` covers both.
  package func mounts(ofBlockDevice number: DeviceNumber) -> [MountEntry] {
    mounts(ofBlockDevice: number) { source throws(SystemError) in try BlockDevice.number(of: source) }
  }

  /// The same with another lookup of `source`, for tests.
  func mounts(
    ofBlockDevice number: DeviceNumber, lookUp: (String) throws(SystemError) -> DeviceNumber
  ) -> [MountEntry] {
    entries.filter { entry in
      if entry.device == number { return true }
      guard entry.fileSystemType == "btrfs", entry.source.hasPrefix("/") else { return false }
      return (try? lookUp(entry.source)) == number
    }
  }

  /// Orders the mounts of one mount point by their parents: each mount names the one below it. Mounts without a parent
  /// here keep the kernel's order. There is at most one, unless a mount above hides the path.
  ///
  /// Every mount appears once, whatever the IDs are. The first mount of a machine is its own parent. A table that was
  /// read while mounts changed can have an ID twice.
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

/// Returns whether two paths have the same bytes. `==` compares by Unicode: an accented letter as one character equals
/// the same letter as two. The kernel tells them apart.
func isSame(_ first: some StringProtocol, _ second: some StringProtocol) -> Bool {
  first.utf8.elementsEqual(second.utf8)
}

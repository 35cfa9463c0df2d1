internal import Glibc

/// Finds what keeps a mount or a device busy, for error messages. Searches /proc for a bounded time and skips what it
/// cannot read.
package enum MountUsers {
  /// Returns what keeps a mount point from being unmounted: mounts below it, and processes whose directory, program or
  /// open file is there. Phrases such as `process 12 (postgres)`. Blocks for about 2 s at most.
  ///
  /// - Parameter path: a real absolute path.
  package static func ofMountPoint(_ path: String) -> [String] {
    // This is only for a message. Without the table the message says less.
    let below = (try? MountTable.current().below(path)) ?? []
    let mounts = below.prefix(limit).map { "the mount at \($0.mountPoint)" }
    return mounts + processes { links(of: $0).contains { isInside($0, path) } }
  }

  /// Returns what uses a block device: a device-mapper table or array on it, and processes that have it open or see it
  /// mounted in their mount namespace. Blocks for about 4 s at most.
  package static func ofDevice(_ device: String) -> [String] {
    guard let number = try? BlockDevice.number(of: device) else { return [] }
    let parents = (try? Files.list("/sys/dev/block/\(number)/holders")) ?? []
    let tables = parents.sorted().prefix(limit).map { name in
      let mapped = try? Files.readText("/sys/class/block/\(name)/dm/name").filter { $0 != "\n" }
      return mapped.map { "the device mapper table \($0)" } ?? "the block device \(name)"
    }
    return tables + processes { process in hasOpen(process, number) } + namespaces { $0.mounts(ofBlockDevice: number) }
  }

  /// Returns the other mount namespaces that show a directory or one inside it, each by one of its processes. Blocks
  /// for about 2 s at most.
  package static func ofDirectory(_ directory: String) -> [String] {
    guard let identity = try? MountTable.current().identity(ofDirectory: directory) else { return [] }
    return namespaces { table in table.entries.filter { table.shows(identity, by: $0) } }
  }

  /// The number of users that a message can name.
  private static let limit = 4
  /// A node can have more than a hundred thousand open files.
  private static let patience = Duration.seconds(2)

  private static func isInside(_ path: String, _ directory: String) -> Bool {
    isSame(path, directory) || path.utf8.starts(with: (directory + "/").utf8)
  }

  private static func processes(_ isUser: (String) -> Bool) -> [String] {
    let end = MonotonicClock.now() + patience
    var found: [String] = []
    for process in numbers() where found.count < limit && MonotonicClock.now() < end && isUser(process) {
      found.append("process \(process) (\(name(of: process)))")
    }
    return found
  }

  private static func namespaces(_ mounts: (MountTable) -> [MountEntry]) -> [String] {
    let end = MonotonicClock.now() + patience
    var seen: Set<String> = [Files.linkTarget("/proc/self/ns/mnt") ?? ""]
    var found: [String] = []
    for process in numbers() where found.count < limit && MonotonicClock.now() < end {
      guard let namespace = Files.linkTarget("/proc/\(process)/ns/mnt"), seen.insert(namespace).inserted,
        let table = try? MountTable(parsing: Files.readAll("/proc/\(process)/mountinfo", limit: 64 << 20)),
        let mount = mounts(table).first
      else { continue }
      found.append("the mount at \(mount.mountPoint) of process \(process) (\(name(of: process)))")
    }
    return found
  }

  private static func numbers() -> [String] {
    let all = (try? Files.list("/proc")) ?? []
    return all.filter { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }.sorted { Int($0) ?? 0 < Int($1) ?? 0 }
  }

  /// Returns the name that the process gave itself. It can contain any bytes, so only printable ASCII is kept.
  private static func name(of process: String) -> String {
    let name = (try? Files.readText("/proc/\(process)/comm")) ?? "?"
    return String(
      decoding: name.utf8.filter { (0x21..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") }, as: UTF8.self)
  }

  private static func links(of process: String) -> [String] {
    let open = ((try? Files.list("/proc/\(process)/fd")) ?? []).map { "fd/" + $0 }
    return (["cwd", "root", "exe"] + open).compactMap { Files.linkTarget("/proc/\(process)/\($0)") }
  }

  private static func hasOpen(_ process: String, _ number: DeviceNumber) -> Bool {
    guard process != "\(OwnProcess.processID)" else { return false }
    return ((try? Files.list("/proc/\(process)/fd")) ?? []).contains { file in
      let path = "/proc/\(process)/fd/\(file)"
      guard let target = Files.linkTarget(path), target.hasPrefix("/dev/") else { return false }
      return (try? BlockDevice.number(of: path)) == number
    }
  }
}

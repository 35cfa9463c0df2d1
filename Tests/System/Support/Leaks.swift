import Glibc
import LinuxSystem

/// What a node still holds that nobody uses any more.
enum Leaks {
  /// Each leak in words. A node whose volumes were all removed has none.
  static func found(on node: Node) throws -> [String] {
    var leaks = try mounts(node) + loops(node) + stateFiles(node) + processes(node)
    switch node.storage {
    case .thick(let group), .thin(let group): leaks += try volumes(group)
    case .files: leaks += try entries("image", in: node.state + "/images", except: ["records"])
    case .directories: leaks += try entries("directory", in: node.state + "/directories/volumes", except: [])
    }
    if node.daemon == nil { leaks += locks(node) }
    return leaks
  }

  private static func mounts(_ node: Node) throws -> [String] {
    let root = try Files.realPath(node.root)
    return try MountTable.current().below(root).map { "mount \($0.mountPoint) of \($0.source)" }
  }

  private static func loops(_ node: Node) throws -> [String] {
    try LoopDevice.all().filter { $0.backingFile.hasPrefix(node.root + "/") }.map { "loop device \($0.device)" }
  }

  /// Permits, staging directories and what interrupted writes leave.
  private static func stateFiles(_ node: Node) throws -> [String] {
    try entries("permit", in: node.state + "/permits", except: [])
      + entries("staging directory", in: node.state + "/staging", except: [])
  }

  private static func entries(_ what: String, in directory: String, except: [String]) throws -> [String] {
    guard Files.exists(directory) else { return [] }
    return try Files.list(directory).filter { !except.contains($0) }.map { "\(what) \(directory)/\($0)" }
  }

  /// Logical volumes of ours, and devices of the group that LVM knows nothing of.
  private static func volumes(_ group: VolumeGroup) throws -> [String] {
    let volumes = try group.volumes()
    let known = volumes.map { lastComponent(of: group.device($0.name)) }
    let devices = try Files.list("/sys/block").compactMap { name -> String? in
      guard let text = try? Files.readText("/sys/block/\(name)/dm/name") else { return nil }
      return String(text.dropLast())
    }
    let prefix = lastComponent(of: group.device(""))
    // Pools, origins and snapshots have devices of their own, named after them.
    let parts = ["_tdata", "_tmeta", "-tpool", "-real", "-cow"]
    let expected = Set(known + known.flatMap { name in parts.map { name + $0 } } + [prefix + "lvol0_pmspare"])
    let strays = devices.filter { $0.hasPrefix(prefix) && !expected.contains($0) }
    return volumes.filter(\.isOurs).map { "logical volume \($0)" } + strays.map { "device \($0)" }
  }

  /// Children nobody has waited for, and programs still at work on the node's devices.
  private static func processes(_ node: Node) throws -> [String] {
    let daemon = node.daemon?.pid
    return try Files.list("/proc").compactMap { Int32($0) }.compactMap { pid in
      guard pid != daemon, let status = try? Files.readText("/proc/\(pid)/stat"),
        let command = try? Files.readText("/proc/\(pid)/cmdline")
      else { return nil }
      // After the name in parentheses: state and parent.
      let fields = status[(status.lastIndex(of: ")") ?? status.startIndex)...].split(separator: " ")
      if fields[1] == "Z", Int32(fields[2]) == daemon { return "zombie \(pid)" }
      let isTool = ["mkfs", "mke2fs", "e2fsck", "resize2fs", "xfs_growfs", "btrfs"].contains { command.contains($0) }
      return isTool && (Int32(fields[2]) == daemon || fields[2] == "1") ? "process \(pid) \(command)" : nil
    }
  }

  /// Locks that outlive the daemon.
  private static func locks(_ node: Node) -> [String] {
    ([node.state + "/lock"] + lvmLocks()).filter { isLocked($0) }.map { "lock on \($0)" }
  }

  private static func lvmLocks() -> [String] {
    let directory = "/run/lock/lvm"
    return ((try? Files.list(directory)) ?? []).map { directory + "/" + $0 }
  }

  private static func isLocked(_ path: String) -> Bool {
    guard let file = try? Descriptor.open(path, O_RDWR) else { return false }
    return flock(file.rawValue, LOCK_EX | LOCK_NB) != 0
  }
}

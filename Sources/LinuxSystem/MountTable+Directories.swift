extension MountTable {
  /// A directory as mountinfo names it: its file system, and its path from that file system's root.
  package struct DirectoryIdentity: Hashable, Sendable {
    package let device: DeviceNumber
    package let root: String
  }

  /// Which file system an absolute real path is in, and where: a bind mount of that directory shows both. Nil when no
  /// mount covers the path.
  package func identity(ofDirectory path: String) -> DirectoryIdentity? {
    let covering = entries.filter { entry in
      entry.mountPoint == "/" || path == entry.mountPoint || path.hasPrefix(entry.mountPoint + "/")
    }
    // The deepest mount point covers the others; of several layers at one point the last in the table is on top.
    guard let length = covering.map({ $0.mountPoint.utf8.count }).max(),
      let top = covering.last(where: { $0.mountPoint.utf8.count == length })
    else { return nil }
    let rest = top.mountPoint == "/" ? path : String(path.dropFirst(top.mountPoint.count))
    let root = top.root == "/" ? rest : top.root + rest
    return DirectoryIdentity(device: top.device, root: root.isEmpty ? "/" : root)
  }
}

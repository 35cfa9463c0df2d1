extension MountTable {
  /// A directory as mountinfo names it: its file system, and its path from that file system's root.
  package struct DirectoryIdentity: Hashable, Sendable {
    package let device: DeviceNumber
    package let root: String
  }

  /// Which file system an absolute real path is in, and where: a bind mount of that directory shows both. Nil when no
  /// mount covers the path.
  package func identity(ofDirectory path: String) -> DirectoryIdentity? {
    guard let top = covering(path) else { return nil }
    let rest =
      top.mountPoint == "/" ? path : String(decoding: path.utf8.dropFirst(top.mountPoint.utf8.count), as: UTF8.self)
    let root = top.root == "/" ? rest : top.root + rest
    return DirectoryIdentity(device: top.device, root: root.isEmpty ? "/" : root)
  }

  /// Whether a mount shows that directory or one inside it, whatever pods have called that.
  package func shows(_ identity: DirectoryIdentity) -> Bool {
    entries.contains { shows(identity, by: $0) }
  }

  func shows(_ identity: DirectoryIdentity, by entry: MountEntry) -> Bool {
    let inside = identity.root.hasSuffix("/") ? identity.root : identity.root + "/"
    return entry.device == identity.device
      && (isSame(entry.root, identity.root) || entry.root.utf8.starts(with: inside.utf8))
  }
}

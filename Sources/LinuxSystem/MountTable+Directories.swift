extension MountTable {
  /// The identity of a directory in mountinfo: its file system, and its path from that file system's root.
  package struct DirectoryIdentity: Hashable, Sendable {
    /// The device number of the file system.
    package let device: DeviceNumber
    /// The path from the root of the file system.
    package let root: String
  }

  /// Returns the identity of the directory at an absolute real path. A bind mount of the directory shows the same
  /// identity. Nil if no mount covers the path.
  package func identity(ofDirectory path: String) -> DirectoryIdentity? {
    guard let top = covering(path) else { return nil }
    let rest =
      top.mountPoint == "/" ? path : String(decoding: path.utf8.dropFirst(top.mountPoint.utf8.count), as: UTF8.self)
    let root = top.root == "/" ? rest : top.root + rest
    return DirectoryIdentity(device: top.device, root: root.isEmpty ? "/" : root)
  }

  /// Returns whether a mount shows that directory or a directory inside it, at any path.
  package func shows(_ identity: DirectoryIdentity) -> Bool {
    entries.contains { shows(identity, by: $0) }
  }

  func shows(_ identity: DirectoryIdentity, by entry: MountEntry) -> Bool {
    let inside = identity.root.hasSuffix("/") ? identity.root : identity.root + "/"
    return entry.device == identity.device
      && (isSame(entry.root, identity.root) || entry.root.utf8.starts(with: inside.utf8))
  }
}

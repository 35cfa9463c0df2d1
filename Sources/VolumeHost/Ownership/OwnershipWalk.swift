internal import CVolumeHost
internal import Glibc

/// Gives a tree of files to a group: children before their directory, and the root last. So `OnRootMismatch` detects a
/// walk that was interrupted.
///
/// Works by descriptors without paths, so a directory that is replaced by a link meanwhile is not followed. Mount
/// points below are walked like directories. An entry that cannot be changed stays as it is. An entry that was removed
/// meanwhile is skipped. A directory that cannot be read ends the walk. No permission is removed.
struct OwnershipWalk {
  let ownership: VolumeOwnership

  /// Each level keeps a descriptor open.
  private static let depthLimit = 500

  /// Walks from a directory. Returns false if the policy is `OnRootMismatch` and the root is as it should be. Blocks.
  @discardableResult
  func run(_ path: String) throws(HostError) -> Bool {
    var status = stat()
    if ownership.policy == .onRootMismatch, lstat(path, &status) == 0, isRight(status) { return false }
    let descriptor = open(path, Self.flags)
    guard descriptor >= 0 else { throw Self.error("open", path) }
    guard fstat(descriptor, &status) == 0 else {
      defer { close(descriptor) }
      throw Self.error("stat", path)
    }
    try walk(descriptor, status, path, depth: 1)
    return true
  }

  private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

  private static func error(_ operation: String, _ path: String) -> HostError {
    HostError(operation, path, code: errno)
  }

  /// Returns whether group, permissions and set-group-ID bit are as they should be.
  private func isRight(_ status: stat) -> Bool {
    let wanted = (ownership.readOnly ? mode_t(0o440) : 0o660) | 0o110
    return status.st_gid == ownership.group && status.st_mode & S_IFMT == S_IFDIR && status.st_mode & wanted == wanted
      && status.st_mode & S_ISGID != 0
  }
}

extension OwnershipWalk {
  /// Walks a directory. Takes ownership of the descriptor.
  private func walk(_ descriptor: Int32, _ status: stat, _ path: String, depth: Int) throws(HostError) {
    guard depth <= Self.depthLimit else {
      close(descriptor)
      let reason = "directories deeper than \(Self.depthLimit) levels are not followed"
      throw HostError("change the group of", path, code: ELOOP, reason: reason)
    }
    guard let stream = fdopendir(descriptor) else {
      let error = Self.error("read", path)
      close(descriptor)
      throw error
    }
    defer { closedir(stream) }
    errno = 0
    while let entry = readdir(stream) {
      try withUnsafePointer(to: &entry.pointee.d_name) { tuple throws(HostError) in
        try tuple.withMemoryRebound(to: CChar.self, capacity: 256) { name throws(HostError) in
          try visit(name, in: descriptor, path, depth: depth)
        }
      }
      errno = 0
    }
    if errno != 0 { throw Self.error("read", path) }
    changeDirectory(descriptor, status)
  }

  private func visit(
    _ name: UnsafePointer<CChar>, in directory: Int32, _ path: String, depth: Int
  ) throws(HostError) {
    if name[0] == 0x2e, name[1] == 0 || name[1] == 0x2e && name[2] == 0 { return }
    var status = stat()
    guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT { return }
      throw Self.error("stat", "\(path)/\(String(cString: name))")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { return change(name, in: directory, status) }
    let child = openat(directory, name, Self.flags)
    if child < 0, errno == ENOENT || errno == ENOTDIR || errno == ELOOP { return }
    guard child >= 0 else { throw Self.error("open", "\(path)/\(String(cString: name))") }
    try walk(child, status, "\(path)/\(String(cString: name))", depth: depth + 1)
  }

  /// Changes an entry, unless it is as it should be. This saves system calls where most entries are.
  private func change(_ name: UnsafePointer<CChar>, in directory: Int32, _ status: stat) {
    let isLink = status.st_mode & S_IFMT == S_IFLNK
    if isLink, !ownership.includesLinks { return }
    let hasOwner = status.st_gid == ownership.group
    if !hasOwner { _ = fchownat(directory, name, uid_t.max, ownership.group, AT_SYMLINK_NOFOLLOW) }
    guard !isLink else { return }
    let old = status.st_mode & 0o7777
    let new = old | (ownership.readOnly ? 0o440 : 0o660)
    // A new group clears the set-user-ID and set-group-ID bits, chown(2).
    if new != old || !hasOwner && old & 0o6000 != 0 { _ = cvolumehost_change_mode(directory, name, new) }
  }

  private func changeDirectory(_ descriptor: Int32, _ status: stat) {
    if status.st_gid != ownership.group { _ = fchown(descriptor, uid_t.max, ownership.group) }
    let old = status.st_mode & 0o7777
    let new = old | (ownership.readOnly ? 0o440 : 0o660) | 0o110 | S_ISGID
    if new != old || status.st_gid != ownership.group { _ = fchmod(descriptor, new) }
  }
}

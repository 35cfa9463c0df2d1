internal import CLinux
internal import Glibc

extension Files {
  /// Removes a file, or a directory with all its contents. Succeeds if the path does not exist. Blocks.
  ///
  /// Symbolic links are removed, never followed, also if another process replaces a directory by a link meanwhile: the
  /// removal works by descriptors. It does not cross a mount point, not even of a bind mount of the same file system
  /// (`RESOLVE_NO_XDEV` of openat2(2)). Memory does not depend on the size of the tree, and the number of descriptors
  /// does not depend on its depth.
  ///
  /// - Throws: `EXDEV` or `EBUSY` at a mount point; what was removed before stays removed. `EINVAL` if the last
  ///   component is empty, `.` or `..`; otherwise the error of the call.
  package static func removeTree(_ path: String) throws(SystemError) {
    let parentPath = parent(of: path)
    let above: Descriptor
    do throws(SystemError) {
      above = try Descriptor.open(parentPath, CLINUX_O_PATH | O_DIRECTORY)
    } catch {
      guard error.errno == .noEntry else { throw error }
      return
    }
    let name = EntryName(bytes: Array(lastComponent(of: path).utf8CString))
    guard !["", ".", ".."].contains(name.text) else {
      throw SystemError(operation: "remove tree", subject: path, errno: .invalid)
    }
    try TreeRemoval(parent: above.rawValue, name: name, path: path).run()
  }
}

/// One removal of a tree.
private struct TreeRemoval {
  /// The directory that contains the tree. Open during the removal.
  let parent: Int32
  /// The tree's name in that directory.
  let name: EntryName
  /// The tree's path, for messages.
  let path: String

  /// Levels walked with one descriptor each. Deeper directories are moved to the top and removed from there.
  private static let depthLimit = 64
  /// Names held at a time: 256 of at most 255 bytes.
  private static let batch = 256

  func run() throws(SystemError) {
    guard try !unlink(name, in: parent) else { return }
    guard let top = try open(name, in: parent) else { return }
    var moved = 0
    try empty(top, top: top.descriptor, depth: 1, moved: &moved)
    try removeDirectory(name, in: parent)
  }

  /// Removes all entries of a directory, in batches: entries must not be removed while they are being read.
  private func empty(
    _ directory: borrowing DirectoryStream, top: Int32, depth: Int, moved: inout Int
  ) throws(SystemError) {
    while true {
      let names = try nextNames(directory)
      if names.isEmpty { return }
      for name in names { try remove(name, in: directory.descriptor, top: top, depth: depth, moved: &moved) }
      directory.rewind()
    }
  }

  private func nextNames(_ directory: borrowing DirectoryStream) throws(SystemError) -> [EntryName] {
    var names: [EntryName] = []
    while names.count < Self.batch, let name = try directory.next() { names.append(name) }
    return names
  }

  private func remove(
    _ name: EntryName, in directory: Int32, top: Int32, depth: Int, moved: inout Int
  ) throws(SystemError) {
    if try unlink(name, in: directory) { return }
    if depth >= Self.depthLimit { return try moveUp(name, from: directory, top: top, moved: &moved) }
    guard let child = try open(name, in: directory) else { return }
    try empty(child, top: top, depth: depth + 1, moved: &moved)
    try removeDirectory(name, in: directory)
  }

  /// Moves a deep directory to the top directory, whose loop removes it.
  private func moveUp(_ name: EntryName, from directory: Int32, top: Int32, moved: inout Int) throws(SystemError) {
    while true {
      moved += 1
      let target = ".elastic-local-removing-\(moved)"
      // RENAME_NOREPLACE is not needed: a directory can only replace an empty directory, which had to be removed
      // anyway.
      do throws(SystemError) {
        try retryingInterrupts("move", path) { renameat(directory, name.bytes, top, target) }
        return
      } catch {
        guard error.errno == .exists || error.errno == .notEmpty || error.errno == .notDirectory else { throw error }
      }
    }
  }

  /// Removes an entry that is no directory. Returns false for a directory, and true if the entry was gone.
  private func unlink(_ name: EntryName, in directory: Int32) throws(SystemError) -> Bool {
    do throws(SystemError) {
      try retryingInterrupts("remove", describe(name)) { unlinkat(directory, name.bytes, 0) }
    } catch {
      if error.errno == .noEntry { return true }
      // Linux returns EISDIR. POSIX and some file systems return EPERM.
      if error.errno == .isDirectory || error.errno == .notPermitted {
        return try !isDirectory(name, in: directory, error)
      }
      throw error
    }
    return true
  }

  private func isDirectory(_ name: EntryName, in directory: Int32, _ error: SystemError) throws(SystemError) -> Bool {
    var status = stat()
    guard fstatat(directory, name.bytes, &status, AT_SYMLINK_NOFOLLOW) == 0, FileKind(status) == .directory else {
      throw error
    }
    return true
  }

  private func removeDirectory(_ name: EntryName, in directory: Int32) throws(SystemError) {
    do throws(SystemError) {
      try retryingInterrupts("remove directory", describe(name)) { unlinkat(directory, name.bytes, AT_REMOVEDIR) }
    } catch {
      guard error.errno == .noEntry else { throw error }
    }
  }

  /// Opens a directory of the tree for reading. Nil if it is gone.
  private func open(_ name: EntryName, in directory: Int32) throws(SystemError) -> DirectoryStream? {
    do throws(SystemError) {
      return try DirectoryStream(openWithinMount(name, in: directory), subject: describe(name))
    } catch {
      guard error.errno == .noEntry else { throw error }
      return nil
    }
  }

  private func openWithinMount(_ name: EntryName, in directory: Int32) throws(SystemError) -> Descriptor {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    let resolve = CLINUX_RESOLVE_NO_XDEV | CLINUX_RESOLVE_NO_SYMLINKS | CLINUX_RESOLVE_BENEATH
    do throws(SystemError) {
      return Descriptor(
        adopting: try retryingInterrupts("open", describe(name)) {
          clinux_openat2(directory, name.bytes, UInt64(flags), 0, UInt64(resolve))
        })
    } catch {
      guard error.errno == .notImplemented else { throw error }
      return try openOnSameDevice(name, in: directory, flags)
    }
  }

  /// For kernels before 5.6. It does not detect bind mounts of the same file system; only the mount point itself cannot
  /// be removed there.
  private func openOnSameDevice(
    _ name: EntryName, in directory: Int32, _ flags: Int32
  ) throws(SystemError) -> Descriptor {
    let child = Descriptor(
      adopting: try retryingInterrupts("open", describe(name)) { openat(directory, name.bytes, flags) })
    var above = stat()
    try retryingInterrupts("stat", path) { fstat(directory, &above) }
    guard try child.status(subject: path).st_dev == above.st_dev else {
      throw SystemError(operation: "open", subject: describe(name), errno: .crossDevice)
    }
    return child
  }

  private func describe(_ name: EntryName) -> String { "\(path): \(name.text)" }
}

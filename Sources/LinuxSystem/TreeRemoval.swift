internal import CLinux
internal import Glibc

extension Files {
  /// Removes a directory and all below it, or a single file. No such path is success. Blocks.
  ///
  /// Works by descriptors: a symbolic link is removed, never followed, also when somebody swaps a directory for one
  /// meanwhile. Does not cross a mount point, be it a bind mount of the same file system (`RESOLVE_NO_XDEV` of
  /// openat2(2)): that is `EXDEV` or `EBUSY`, and what lies before it may be gone by then. Memory is bounded whatever
  /// the size of the tree, and so is the number of descriptors whatever its depth.
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
  /// The directory that holds the tree, alive as long as the removal.
  let parent: Int32
  /// The tree's name there.
  let name: EntryName
  /// The tree, for messages.
  let path: String

  /// Levels walked with a descriptor each. What lies deeper is moved up to the top and removed from there.
  private static let depthLimit = 64
  /// Names held at a time: 256 of up to 255 bytes.
  private static let batch = 256

  func run() throws(SystemError) {
    guard try !unlink(name, in: parent) else { return }
    guard let top = try open(name, in: parent) else { return }
    var moved = 0
    try empty(top, top: top.descriptor, depth: 1, moved: &moved)
    try removeDirectory(name, in: parent)
  }

  /// Removes everything in a directory, in batches, since entries must not be removed while they are being read.
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

  /// Puts a deep directory beside those at the top, whose loop finds it there.
  private func moveUp(_ name: EntryName, from directory: Int32, top: Int32, moved: inout Int) throws(SystemError) {
    while true {
      moved += 1
      let target = ".elastic-local-removing-\(moved)"
      // RENAME_NOREPLACE is not needed: a directory replaces only an empty directory, which had to go anyway.
      do throws(SystemError) {
        try retryingInterrupts("move", path) { renameat(directory, name.bytes, top, target) }
        return
      } catch {
        guard error.errno == .exists || error.errno == .notEmpty || error.errno == .notDirectory else { throw error }
      }
    }
  }

  /// Removes what is not a directory. False when it is one; true also when it was gone.
  private func unlink(_ name: EntryName, in directory: Int32) throws(SystemError) -> Bool {
    do throws(SystemError) {
      try retryingInterrupts("remove", describe(name)) { unlinkat(directory, name.bytes, 0) }
    } catch {
      if error.errno == .noEntry { return true }
      // Linux says EISDIR; POSIX, and some file systems, EPERM.
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

  /// Opens a directory of the tree for reading; nil when it is gone.
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

  /// Kernels before 5.6. Bind mounts of the same file system are not told apart there, except that the directory
  /// itself can not be removed.
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

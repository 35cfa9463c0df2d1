internal import CLinux
internal import Glibc

/// A directory opened without following a symbolic link below its root.
///
/// If the directory is a mount point, the descriptor refers to the topmost mount there. A mount over `procPath` goes
/// onto the opened directory, whatever happens to its name meanwhile. It is stacked on an existing mount, so check the
/// `MountTable` first. After mounting, the descriptor still refers to the covered directory. Unmounting needs `path`: a
/// descriptor keeps its mount busy.
package struct MountTarget: ~Copyable, Sendable {
  /// The real absolute path, as in mountinfo.
  package let path: String
  /// An `O_PATH | O_DIRECTORY` descriptor.
  package let descriptor: Descriptor

  fileprivate let root: String
  fileprivate let components: [String]

  /// A path to the opened directory, for system calls made while this value is alive.
  package var procPath: String { "/proc/self/fd/\(descriptor.rawValue)" }

  /// Opens the same path again. The new value refers to what has been mounted there since.
  ///
  /// - Throws: the errors of ``SafePath/openDirectory(root:components:)``.
  package func reopened() throws(SystemError) -> MountTarget {
    try SafePath.openDirectory(realRoot: root, components: components)
  }
}

/// Opens directories whose names came from elsewhere.
package enum SafePath {
  /// Opens the directory `components` below `root`. Without components it opens the root itself.
  ///
  /// The operator chooses the root, so the root may be or contain symbolic links. Below it, links are not followed:
  /// openat2(2) with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS`, Linux 5.6. On older kernels, or
  /// where a sandbox rejects the call, one openat(2) per component with `O_NOFOLLOW`.
  ///
  /// - Throws: `ELOOP` for a symbolic link below the root; `EINVAL` for a component that is empty, `.`, `..` or
  ///   contains a slash or NUL; otherwise the error of the call.
  package static func openDirectory(root: String, components: [String]) throws(SystemError) -> MountTarget {
    try check(components, root: root)
    return try openDirectory(realRoot: Files.realPath(root), components: components)
  }

  /// Returns whether that directory exists. False if it or the root is missing.
  ///
  /// - Throws: `ELOOP` for a symbolic link on the way, `ENOTDIR` for a file in its place; otherwise the errors of
  ///   ``openDirectory(root:components:)`` except `ENOENT`.
  package static func exists(root: String, components: [String]) throws(SystemError) -> Bool {
    do throws(SystemError) {
      _ = try openDirectory(root: root, components: components)
      return true
    } catch {
      guard error.errno == .noEntry else { throw error }
      return false
    }
  }

  fileprivate static func openDirectory(realRoot: String, components: [String]) throws(SystemError) -> MountTarget {
    let path = components.reduce(realRoot) { Files.join($0, $1) }
    let top = try Descriptor.open(realRoot, CLINUX_O_PATH | O_DIRECTORY | O_NOFOLLOW)
    let directory = components.isEmpty ? top : try resolve(components, below: top, path: path)
    return MountTarget(path: path, descriptor: directory, root: realRoot, components: components)
  }

  private static func check(_ components: [String], root: String) throws(SystemError) {
    for component in components where !isPlain(component) {
      throw SystemError(operation: "resolve", subject: Files.join(root, component), errno: .invalid)
    }
  }

  /// Returns whether a text is a single path component: not empty, not `.` or `..`, without slash and NUL.
  package static func isPlain(_ component: String) -> Bool {
    !component.isEmpty && component != "." && component != ".."
      && !component.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }
}

extension SafePath {
  private static func resolve(
    _ components: [String], below top: borrowing Descriptor, path: String
  ) throws(SystemError) -> Descriptor {
    do throws(SystemError) {
      return try resolveAtOnce(components.joined(separator: "/"), below: top.rawValue, path: path)
    } catch {
      // ENOSYS is from kernels before 5.6. EPERM is from seccomp filters that do not know openat2.
      guard error.errno == .notImplemented || error.errno == .notPermitted else { throw error }
    }
    return try resolveStepwise(components, below: top.rawValue, path: path)
  }

  private static func resolveAtOnce(
    _ relative: String, below top: Int32, path: String
  ) throws(SystemError) -> Descriptor {
    let flags = UInt64(CLINUX_O_PATH | O_DIRECTORY | O_CLOEXEC)
    let resolve = UInt64(CLINUX_RESOLVE_BENEATH | CLINUX_RESOLVE_NO_SYMLINKS | CLINUX_RESOLVE_NO_MAGICLINKS)
    let number = try retryingInterrupts("open directory", path) { clinux_openat2(top, relative, flags, 0, resolve) }
    return Descriptor(adopting: number)
  }

  /// Opens one component at a time, for old kernels.
  static func resolveStepwise(
    _ components: [String], below top: Int32, path: String
  ) throws(SystemError) -> Descriptor {
    var directory = Descriptor(
      adopting: try retryingInterrupts("open directory", path) { fcntl(top, F_DUPFD_CLOEXEC, 3) })
    for component in components {
      directory = try step(component, in: directory.rawValue, path: path)
    }
    return directory
  }

  private static func step(_ component: String, in directory: Int32, path: String) throws(SystemError) -> Descriptor {
    let flags = CLINUX_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    do throws(SystemError) {
      return Descriptor(
        adopting: try retryingInterrupts("open directory", path) { openat(directory, component, flags) })
    } catch {
      // With O_DIRECTORY a symbolic link gives ENOTDIR. Throw what openat2 would.
      var status = stat()
      guard error.errno == .notDirectory, fstatat(directory, component, &status, AT_SYMLINK_NOFOLLOW) == 0,
        FileKind(status) == .symlink
      else { throw error }
      throw SystemError(operation: error.operation, subject: path, errno: .loop)
    }
  }
}

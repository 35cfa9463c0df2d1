internal import CLinux
internal import Glibc

/// A directory reached without following any symbolic link below its root, held by descriptor.
///
/// Where the directory is a mount point, the descriptor refers to the topmost mount there. A mount made over
/// `procPath` goes onto the directory that was opened, whatever happens to its name meanwhile; when something is
/// mounted there already it is stacked on top, so look at the `MountTable` first. After mounting, the descriptor still
/// refers to what is now covered. Unmounting needs `path`, since a descriptor keeps its mount busy.
package struct MountTarget: ~Copyable, Sendable {
  /// The real absolute path, as mountinfo shows it.
  package let path: String
  /// An `O_PATH | O_DIRECTORY` descriptor.
  package let descriptor: Descriptor

  fileprivate let root: String
  fileprivate let components: [String]

  /// A path that leads to the directory itself, for system calls made while this value is alive.
  package var procPath: String { "/proc/self/fd/\(descriptor.rawValue)" }

  /// Opens the same names again, and so sees what has been mounted there since.
  package func reopened() throws(SystemError) -> MountTarget {
    try SafePath.openDirectory(realRoot: root, components: components)
  }
}

/// Opening directories whose names came from elsewhere.
package enum SafePath {
  /// Opens the directory `components` below `root`.
  ///
  /// The root is the operator's: it may be or contain symbolic links. Below it a link is `ELOOP` (openat2(2) with
  /// `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS`, Linux 5.6; before that, or where a sandbox
  /// refuses the call, one openat(2) per component with `O_NOFOLLOW`). A component that is empty, `.`, `..` or
  /// contains a slash or NUL is `EINVAL`. No components give the root itself.
  package static func openDirectory(root: String, components: [String]) throws(SystemError) -> MountTarget {
    try check(components, root: root)
    return try openDirectory(realRoot: Files.realPath(root), components: components)
  }

  /// Whether that directory exists. False for a missing one, also for a missing root; a symbolic link on the way or a
  /// file in its place is an error.
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

  /// Whether a text is one component of a path and stays one.
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
      // ENOSYS before Linux 5.6; EPERM from seccomp filters that know no openat2.
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

  /// One component at a time, for old kernels.
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
      // With O_DIRECTORY a symbolic link is ENOTDIR; say what openat2 says.
      var status = stat()
      guard error.errno == .notDirectory, fstatat(directory, component, &status, AT_SYMLINK_NOFOLLOW) == 0,
        FileKind(status) == .symlink
      else { throw error }
      throw SystemError(operation: error.operation, subject: path, errno: .loop)
    }
  }
}

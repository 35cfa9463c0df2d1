internal import Glibc
internal import Synchronization

/// mount(2) and umount(2). All of it blocks for as long as the device does, journal replay included.
///
/// The variants with a `MountTarget` are for directories whose names came from elsewhere; those with a plain path for
/// our own. None looks whether something is mounted there already: it would be stacked.
package enum Mounting {
  /// Mounts a device on the directory that `target` holds. `data` are the file system's own options,
  /// comma-separated.
  package static func mount(
    device: String, at target: borrowing MountTarget, fileSystem: String, flags: MountFlags, data: String
  ) throws(SystemError) {
    try call(device, target.procPath, fileSystem, flags, data, subject: device)
  }

  /// Mounts a device at a path.
  package static func mount(
    device: String, atPath path: String, fileSystem: String, flags: MountFlags, data: String
  ) throws(SystemError) {
    try call(device, path, fileSystem, flags, data, subject: device)
  }

  /// Shows the directory `from` at `target` too, with more flags than `from` has. Not recursive: mounts below `from` do not
  /// show.
  ///
  /// The flags are set before the mount is attached. So a crash never leaves one that allows more, which kubelet would take as
  /// it is, and the flags reach every mount namespace that the mount propagates to: what is changed later stays in this one.
  ///
  /// - Parameters:
  ///   - flags: of ``MountFlags/perMount``.
  ///   - way: a directory of ours, made when it is missing, by which kernels before 5.12 do it.
  package static func bind(
    from source: String, to target: borrowing MountTarget, adding flags: MountFlags, by way: String
  ) throws(SystemError) {
    if flags.isEmpty {
      try call(source, target.procPath, nil, .bind, nil, subject: target.path)
    } else if try !bindAtOnce(from: source, to: target, adding: flags) {
      try bindStepwise(from: source, to: target, adding: flags, by: way)
    }
  }

  /// The same by calls that every kernel has: bound to a directory of ours, changed there, and bound from there.
  ///
  /// One at a time: the way is one directory. What a crash has left there is taken down first, see ``clear(way:)``.
  package static func bindStepwise(
    from source: String, to target: borrowing MountTarget, adding flags: MountFlags, by way: String
  ) throws(SystemError) {
    let (attached, path) = (target.procPath, target.path)
    try wayLock.withLock { _ throws(SystemError) in
      _ = try unmountAllLayers(way)
      try Files.makeDirectories(way, mode: 0o700)
      try call(source, way, nil, .bind, nil, subject: way)
      do throws(SystemError) {
        try remount(way, adding: flags, subject: path)
        try call(way, attached, nil, .bind, nil, subject: path)
      } catch {
        try undo(way, after: error)
      }
      try unmount(way)
    }
  }

  /// Takes down what a crash in the middle of a bind has left. `way` is a real path; it need not exist.
  package static func clear(way: String) throws(SystemError) {
    try wayLock.withLock { _ throws(SystemError) in _ = try unmountAllLayers(way) }
  }

  /// The same for a path of our own.
  package static func bind(
    from source: String, toPath path: String, readOnly: Bool
  ) throws(SystemError) {
    try call(source, path, nil, .bind, nil, subject: path)
    guard readOnly else { return }
    do throws(SystemError) {
      try remount(path, adding: .readOnly, subject: path)
    } catch {
      try undo(path, after: error)
    }
  }

  /// Unmounts the topmost mount of a path, umount2(2) with `UMOUNT_NOFOLLOW`. Not mounted is `EINVAL`, in use
  /// `EBUSY`, no such path `ENOENT`. Never lazy.
  package static func unmount(_ path: String) throws(SystemError) {
    try retryingInterrupts("unmount", path) { umount2(path, noFollow) }
  }

  /// Unmounts everything that is mounted at exactly that path, and says how many mounts that were; 0 when nothing was.
  /// Looks at the mount table before every step, and gives up with `EBUSY` after 64.
  package static func unmountAllLayers(_ path: String) throws(SystemError) -> Int {
    for count in 0..<layerLimit {
      if try MountTable.current().at(path).isEmpty { return count }
      try unmount(path)
    }
    guard try MountTable.current().at(path).isEmpty else {
      throw SystemError(operation: "unmount all \(layerLimit) layers of", subject: path, errno: .busy)
    }
    return layerLimit
  }
}

extension Mounting {
  private static let layerLimit = 64
  private static let wayLock = Mutex(())
  /// `UMOUNT_NOFOLLOW` of umount2(2), Linux 2.6.34.
  private static let noFollow: Int32 = 8

  private static func call(
    _ source: String, _ target: String, _ fileSystem: String?, _ flags: MountFlags, _ data: String?, subject: String
  ) throws(SystemError) {
    try retryingInterrupts(flags.contains(.bind) ? "bind mount" : "mount", subject) {
      Glibc.mount(source, target, fileSystem, flags.rawValue, data)
    }
  }

  private static func remount(_ path: String, adding flags: MountFlags, subject: String) throws(SystemError) {
    var status = statvfs()
    try retryingInterrupts("statvfs", subject) { statvfs(path, &status) }
    let all = MountFlags(fileSystemFlags: UInt(status.f_flag)).adding(flags).union([.remount, .bind])
    try retryingInterrupts("change flags of bind mount at", subject) {
      Glibc.mount("none", path, nil, all.rawValue, nil)
    }
  }

  /// Unmounts, and fails with the error that made it necessary; when the unmount fails too, with both.
  private static func undo(_ path: String, after error: SystemError) throws(SystemError) {
    do throws(SystemError) {
      try unmount(path)
    } catch let second {
      throw SystemError(
        operation: "\(error.operation) (and the bind mount could not be undone: \(second.errno))", subject: path,
        errno: error.errno)
    }
    throw error
  }
}

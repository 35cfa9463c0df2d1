internal import Glibc
internal import Synchronization

/// Mounts and unmounts: mount(2) and umount2(2). Every function blocks until the device answers, including a journal
/// replay.
///
/// The variants with a `MountTarget` are for directories whose names came from elsewhere, those with a path for our
/// own. None checks for an existing mount: the new mount is stacked on it.
package enum Mounting {
  /// Mounts a device on the directory that `target` holds. `data` has the file system's own options, separated by
  /// commas.
  ///
  /// - Throws: the error of mount(2), with the device as subject.
  package static func mount(
    device: String, at target: borrowing MountTarget, fileSystem: String, flags: MountFlags, data: String
  ) throws(SystemError) {
    try call(device, target.procPath, fileSystem, flags, data, subject: device)
  }

  /// Mounts a device at a path.
  ///
  /// - Throws: the error of mount(2), with the device as subject.
  package static func mount(
    device: String, atPath path: String, fileSystem: String, flags: MountFlags, data: String
  ) throws(SystemError) {
    try call(device, path, fileSystem, flags, data, subject: device)
  }

  /// Bind-mounts the directory `from` at `target`, with more flags than `from` has. Not recursive: mounts below `from`
  /// do not show.
  ///
  /// The flags are set before the mount is attached. There are two reasons. A crash never leaves a mount with fewer
  /// flags, which kubelet would use as it is. And the flags reach every mount namespace that the mount propagates to; a
  /// later change would stay in this one.
  ///
  /// - Parameters:
  ///   - flags: a subset of ``MountFlags/perMount``.
  ///   - way: a directory of ours that kernels before 5.12 need for this. It is created if it is missing.
  /// - Throws: the error of the call that failed.
  package static func bind(
    from source: String, to target: borrowing MountTarget, adding flags: MountFlags, by way: String
  ) throws(SystemError) {
    if flags.isEmpty {
      try call(source, target.procPath, nil, .bind, nil, subject: target.path)
    } else if try !bindAtOnce(from: source, to: target, adding: flags) {
      try bindStepwise(from: source, to: target, adding: flags, by: way)
    }
  }

  /// Does the same with calls that every kernel has: bind to `way`, change the flags there, and bind from there.
  ///
  /// One call runs at a time because `way` is one directory. First it unmounts what a crash left there, see
  /// ``clear(way:)``.
  ///
  /// - Throws: the error of the call that failed. If the undo fails too, the operation names both errors.
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

  /// Unmounts what a crash during a bind left at `way`. `way` is a real path; it need not exist.
  ///
  /// - Throws: the errors of ``unmountAllLayers(_:)``.
  package static func clear(way: String) throws(SystemError) {
    try wayLock.withLock { _ throws(SystemError) in _ = try unmountAllLayers(way) }
  }

  /// Bind-mounts `source` at a path of our own. With `readOnly` the mount is remounted read-only, or undone if that
  /// fails.
  ///
  /// - Throws: the error of mount(2). If the undo fails too, the operation names both errors.
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

  /// Unmounts the topmost mount of a path, umount2(2) with `UMOUNT_NOFOLLOW`. Never lazy.
  ///
  /// - Throws: `EINVAL` if the path is not mounted, `EBUSY` if the mount is in use, `ENOENT` if the path does not
  ///   exist; otherwise the error of umount2(2).
  package static func unmount(_ path: String) throws(SystemError) {
    try retryingInterrupts("unmount", path) { umount2(path, noFollow) }
  }

  /// Unmounts all mounts at exactly that path and returns their number, 0 if there were none. Reads the mount table
  /// before every step.
  ///
  /// - Throws: `EBUSY` after 64 mounts; otherwise the errors of ``unmount(_:)`` and ``MountTable/current()``.
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

  /// Unmounts the path and throws `error`. If the unmount fails too, the operation names both errors.
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

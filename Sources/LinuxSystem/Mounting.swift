internal import Glibc

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

  /// Shows the directory `from` at `target` too. Not recursive: mounts below `from` do not show.
  ///
  /// A read-only one is made read-only before it is attached, so that a crash never leaves a writable mount: kubelet
  /// would take it as it is. Kernels before 5.12 take a second mount(2) call (`MS_REMOUNT | MS_BIND | MS_RDONLY`), and
  /// for an instant between the two the mount is writable; when the second fails the bind is undone.
  package static func bind(
    from source: String, to target: borrowing MountTarget, readOnly: Bool
  ) throws(SystemError) {
    if readOnly, try bindReadOnlyAtOnce(from: source, to: target) { return }
    try call(source, target.procPath, nil, .bind, nil, subject: target.path)
    guard readOnly else { return }
    do throws(SystemError) {
      // The descriptor refers to the directory below the new mount; only a new one refers to the mount.
      let mounted = try target.reopened()
      try requireSame(mounted.procPath, source, subject: target.path)
      try makeReadOnly(mounted.procPath, subject: target.path)
    } catch {
      try undo(target.path, after: error)
    }
  }

  /// The same for a path of our own.
  package static func bind(
    from source: String, toPath path: String, readOnly: Bool
  ) throws(SystemError) {
    try call(source, path, nil, .bind, nil, subject: path)
    guard readOnly else { return }
    do throws(SystemError) {
      try makeReadOnly(path, subject: path)
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
  /// `UMOUNT_NOFOLLOW` of umount2(2), Linux 2.6.34.
  private static let noFollow: Int32 = 8

  private static func call(
    _ source: String, _ target: String, _ fileSystem: String?, _ flags: MountFlags, _ data: String?, subject: String
  ) throws(SystemError) {
    try retryingInterrupts(flags.contains(.bind) ? "bind mount" : "mount", subject) {
      Glibc.mount(source, target, fileSystem, flags.rawValue, data)
    }
  }

  private static func makeReadOnly(_ path: String, subject: String) throws(SystemError) {
    var status = statvfs()
    try retryingInterrupts("statvfs", subject) { statvfs(path, &status) }
    let flags = MountFlags(fileSystemFlags: UInt(status.f_flag)).union([.remount, .bind, .readOnly])
    try retryingInterrupts("remount read-only", subject) { Glibc.mount("none", path, nil, flags.rawValue, nil) }
  }

  /// The root of a bind mount is the very directory that was bound.
  private static func requireSame(_ mounted: String, _ source: String, subject: String) throws(SystemError) {
    var first = stat()
    var second = stat()
    try retryingInterrupts("stat", subject) { stat(mounted, &first) }
    try retryingInterrupts("stat", source) { stat(source, &second) }
    guard first.st_dev == second.st_dev, first.st_ino == second.st_ino else {
      throw SystemError(operation: "find own bind mount at", subject: subject, errno: .stale)
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

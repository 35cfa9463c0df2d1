internal import CLinux

extension Mounting {
  /// Clones the mount, makes the clone read-only and attaches it: open_tree(2), mount_setattr(2), move_mount(2).
  ///
  /// - Returns: false when the kernel lacks one of them (before 5.12): nothing has been mounted then.
  static func bindReadOnlyAtOnce(
    from source: String, to target: borrowing MountTarget
  ) throws(SystemError) -> Bool {
    do throws(SystemError) {
      let clone = Descriptor(
        adopting: try retryingInterrupts("clone mount", source) { clinux_clone_mount(source) })
      let mount = clone.rawValue
      try retryingInterrupts("make clone read-only of", source) { clinux_set_mount_read_only(mount) }
      let directory = target.descriptor.rawValue
      try retryingInterrupts("attach mount at", target.path) { clinux_attach_mount(mount, directory) }
      return true
    } catch {
      // A seccomp filter that does not know the call answers EPERM, where the older calls may be allowed.
      if error.errno == .notImplemented || error.errno == .notPermitted { return false }
      throw error
    }
  }
}

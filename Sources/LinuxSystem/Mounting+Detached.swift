internal import CLinux

extension Mounting {
  /// Clones the mount, sets the flags on the clone and attaches it: open_tree(2), mount_setattr(2), move_mount(2).
  /// Blocks.
  ///
  /// - Returns: false if the kernel lacks one of the calls (before 5.12). Nothing has been mounted then.
  /// - Throws: the error of one of the calls.
  static func bindAtOnce(
    from source: String, to target: borrowing MountTarget, adding flags: MountFlags
  ) throws(SystemError) -> Bool {
    do throws(SystemError) {
      let clone = Descriptor(
        adopting: try retryingInterrupts("clone mount", source) { clinux_clone_mount(source) })
      let mount = clone.rawValue
      let (added, cleared) = flags.attributes
      try retryingInterrupts("set flags of clone of", source) { clinux_set_mount_attributes(mount, added, cleared) }
      let directory = target.descriptor.rawValue
      try retryingInterrupts("attach mount at", target.path) { clinux_attach_mount(mount, directory) }
      return true
    } catch {
      // A seccomp filter that does not know the call returns EPERM. It may still allow the older calls.
      if error.errno == .notImplemented || error.errno == .notPermitted { return false }
      throw error
    }
  }
}

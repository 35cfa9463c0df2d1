internal import LinuxSystem
internal import StorageModel

extension VolumeError {
  /// A tool's failure: the activity and device, the tool's output, what to do.
  init(_ error: ToolError, during activity: String, deadline: Duration?) {
    let code: Code = error.status == .cancelled ? .cancelled : .internal
    self.init(code, "\(activity): \(error). \(error.advice(deadline))", cause: error)
  }
}

extension ToolError {
  fileprivate func advice(_ deadline: Duration?) -> String {
    switch reason {
    case .missing: "Install it on the node (\(package)), or run the daemon from its image"
    case .notStarted: "Check the node's memory and limits"
    case .ended(.cancelled): "Its volume is being removed, or the daemon is stopping"
    case .ended(.deadlineExceeded):
      "It did not end within \(deadline.map { "\(Int($0.inSeconds)) s" } ?? "its time") (--tool-deadline): the disk is slow or "
        + "does not answer. Check the kernel's log (dmesg)"
    case .ended(.signalled): "It was killed, perhaps for lack of memory. Check the kernel's log (dmesg)"
    case .ended(.exited) where tool.hasPrefix("mkfs."):
      "If the volume has mkfsOptions, this node's \(tool) may not know one. Otherwise check the kernel's log (dmesg)"
    case .ended(.exited): "Check the kernel's log (dmesg). The call is retried"
    }
  }

  /// The Debian package that contains the tool.
  private var package: String {
    switch tool {
    case let name where name.contains("xfs"): "xfsprogs"
    case let name where name.contains("btrfs"): "btrfs-progs"
    default: "e2fsprogs"
    }
  }
}

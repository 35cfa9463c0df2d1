internal import LinuxSystem
internal import StorageModel

extension VolumeError {
  /// A tool's failure: what it was doing on which device, what it said, what to do.
  init(_ error: ToolError, during activity: String, deadline: Duration?) {
    let code: Code = error.status == .cancelled ? .cancelled : .internal
    self.init(code, "\(activity): \(error). \(error.advice(deadline))", cause: error)
  }
}

extension ToolError {
  fileprivate func advice(_ deadline: Duration?) -> String {
    switch reason {
    case .missing: "Install it on the node (\(package)), or run the daemon from its image"
    case .notStarted: "Look at the node's memory and limits"
    case .ended(.cancelled): "Its volume is to be removed, or the daemon ends"
    case .ended(.deadlineExceeded):
      "It did not end within \(deadline.map { "\(Int($0.inSeconds)) s" } ?? "its time") (--tool-deadline): the disk is slow or "
        + "does not answer. Look at the kernel's log (dmesg)"
    case .ended(.signalled): "It was killed, perhaps for lack of memory. Look at the kernel's log (dmesg)"
    case .ended(.exited) where tool.hasPrefix("mkfs."):
      "If the volume has mkfsOptions, this node's \(tool) may not know one. Otherwise look at the kernel's log (dmesg)"
    case .ended(.exited): "Look at the kernel's log (dmesg); it is tried again"
    }
  }

  /// Debian's package.
  private var package: String {
    switch tool {
    case let name where name.contains("xfs"): "xfsprogs"
    case let name where name.contains("btrfs"): "btrfs-progs"
    default: "e2fsprogs"
    }
  }
}

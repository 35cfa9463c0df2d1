internal import CLinux

extension OwnProcess {
  /// Allows this process so many open descriptors, or as many as the hard limit has if that is less; never fewer than
  /// before. Programs that it starts later get what it had until now, since some of them use select(2), which knows 1,024.
  /// To be called before there are threads.
  ///
  /// - Returns: how many there may be now; getrlimit(2) `RLIMIT_NOFILE`.
  @discardableResult
  package static func raiseDescriptorLimit(to wanted: UInt64 = 16_384) -> UInt64 {
    clinux_raise_descriptor_limit(wanted)
  }
}

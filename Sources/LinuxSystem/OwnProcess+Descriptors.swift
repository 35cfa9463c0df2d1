internal import CLinux

extension OwnProcess {
  /// Raises the limit of open descriptors to `wanted`, or to the hard limit if that is lower. Never lowers it. Call it
  /// before there are other threads.
  ///
  /// Programs started later get the former limit: some use select(2), which handles only 1,024 descriptors.
  ///
  /// - Returns: the limit now in effect, getrlimit(2) `RLIMIT_NOFILE`.
  @discardableResult
  package static func raiseDescriptorLimit(to wanted: UInt64 = 16_384) -> UInt64 {
    clinux_raise_descriptor_limit(wanted)
  }
}

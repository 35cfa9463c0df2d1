import CFlexClient

/// Standard output. The client writes to nothing else.
enum Output {
  /// Writes all bytes. Returns false if the output is closed or broken, or is non-blocking and not read for 5 s.
  static func write(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    flexclient_ignore_sigpipe()
    guard let base = bytes.baseAddress else { return true }
    var written = 0
    while written < bytes.count {
      let count = flexclient_write(standardOutput, base + written, bytes.count - written)
      if count > 0 {
        written += count
      } else if !mayGoOn(after: SystemFault(count)) {
        return false
      }
    }
    return true
  }

  private static func mayGoOn(after fault: SystemFault) -> Bool {
    switch fault.cause {
    case .interrupted: true
    case .again: flexclient_poll(standardOutput, Int32(FLEXCLIENT_WRITABLE), 5000) > 0
    default: false
    }
  }

  private static let standardOutput: Int32 = 1
}

import CFlexClient

/// Standard output: the one place to which the client ever writes.
enum Output {
  /// Writes everything. False where nobody takes it: closed, broken, or not read for five seconds while not blocking.
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

internal import CLinux
internal import Glibc

/// An error number of the kernel or the C library, errno(3).
package struct Errno: RawRepresentable, Hashable, Sendable {
  /// The number in the C library.
  package let rawValue: Int32

  /// Wraps a number. Every number is allowed.
  package init(rawValue: Int32) { self.rawValue = rawValue }

  /// The calling thread's errno. Read it on the line right after the failed call.
  package static var current: Errno { Errno(rawValue: Glibc.errno) }

  /// The symbolic name, such as `EBUSY`. `errno 4711` for a number without a name.
  package var name: String { Self.names[rawValue] ?? "errno \(rawValue)" }
}

extension Errno: CustomStringConvertible {
  /// Text and name: `device or resource busy (EBUSY)`.
  package var description: String { "\(text) (\(name))" }

  /// The text of strerror_r(3), with a lowercase first letter as in our messages.
  private var text: String {
    let message = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
      buffer.baseAddress.map { String(cString: clinux_error_text(rawValue, $0, UInt64(buffer.count))) }
        ?? "unknown error"
    }
    return message.prefix(1).lowercased() + message.dropFirst()
  }
}

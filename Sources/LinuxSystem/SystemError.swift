/// A failed system call: the operation, its subject and the errno.
package struct SystemError: Error, Hashable, Sendable {
  /// The operation as an operator would name it: `mount`, `open`, `attach loop device`.
  package var operation: String
  /// The path, device or name. Empty if there is none.
  package var subject: String
  /// The error number.
  package var errno: Errno

  package init(operation: String, subject: String, errno: Errno) {
    self.operation = operation
    self.subject = subject
    self.errno = errno
  }
}

extension SystemError: CustomStringConvertible {
  /// `mount "/dev/x": device or resource busy (EBUSY)`.
  package var description: String {
    subject.isEmpty ? "\(operation): \(errno)" : "\(operation) \"\(subject)\": \(errno)"
  }
}

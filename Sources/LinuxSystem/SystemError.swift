/// A system call that failed: which, on what, and the kernel's reason.
package struct SystemError: Error, Hashable, Sendable {
  /// What was tried, as an operator would name it: `mount`, `open`, `attach loop device`.
  package var operation: String
  /// The path, device or name it was tried on; empty when there is none.
  package var subject: String
  /// The reason.
  package var errno: Errno

  /// Describes a failure whose reason is known already.
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

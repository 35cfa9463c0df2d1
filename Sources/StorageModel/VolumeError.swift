/// A failure of an operation on a volume: a code for callers, and a message for people.
///
/// Callers branch on `code` only. `message` names the volume, what was found and what to do. It never contains an
/// option's value or a secret.
package struct VolumeError: Error, Sendable {
  /// The kinds of failure. ``ErrorPolicy`` defines the answer to each.
  package enum Code: String, Sendable, CaseIterable {
    /// The named object does not exist.
    case notFound
    /// An object of that name exists and differs from the request.
    case conflict
    /// The volume is mounted or otherwise open.
    case inUse
    /// The group, thin pool or disk has not enough space.
    case noSpace
    /// The request is malformed, or asks for something that is not allowed.
    case invalid
    /// To continue could destroy data: the volume is not ours, not proven blank, or not proven unused.
    case unsafe
    /// The caller has no permission for this request.
    case forbidden
    /// A required part does not answer at the moment.
    case unavailable
    /// The caller has gone away, or the time is up. All steps of the call have been undone.
    case cancelled
    /// A program that this call started is still running. The same call later reports its progress, or continues after
    /// its end.
    case inProgress
    /// Not supported for this kind of volume, and never will be.
    case unsupported
    /// A defect of this program, or an unexpected answer of the operating system.
    case `internal`
  }

  package let code: Code
  package let message: String
  /// The error underneath, for logs.
  package let cause: (any Error)?

  package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// The same error with the activity that failed in front of its message.
  package func during(_ activity: String) -> VolumeError {
    VolumeError(code, "\(activity): \(message)", cause: cause)
  }
}

extension VolumeError: CustomStringConvertible {
  package var description: String {
    // Many messages quote their cause already.
    guard let cause, !message.contains("\(cause)") else { return message }
    return "\(message) (\(cause))"
  }
}

/// A failure whose rollback failed too. Both errors are kept, because an operator has to clean up after the second.
package struct RollbackError: Error, Sendable, CustomStringConvertible {
  package let original: VolumeError
  package let rollback: VolumeError

  package init(original: VolumeError, rollback: VolumeError) {
    self.original = original
    self.rollback = rollback
  }

  package var description: String { "\(original); undoing it failed as well: \(rollback)" }
}

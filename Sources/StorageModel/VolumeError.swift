/// What went wrong with a volume, for callers to branch on and for people to read.
///
/// Callers look at `code` only. `message` names the volume, what was found and what to do; it never holds an option's
/// value or a secret.
package struct VolumeError: Error, Sendable {
  /// The kinds of failure. ``ErrorPolicy`` says how each is answered.
  package enum Code: String, Sendable, CaseIterable {
    /// The thing named does not exist.
    case notFound
    /// Something of that name is there and is not what was asked for.
    case conflict
    /// Mounted, or otherwise held open.
    case inUse
    /// The group, pool or disk has no space.
    case noSpace
    /// The request itself is malformed or asks for what is not allowed.
    case invalid
    /// Going on could destroy data: not ours, not proven blank, not proven dead.
    case unsafe
    /// The caller is not allowed to ask.
    case forbidden
    /// A part that is needed does not answer at the moment.
    case unavailable
    /// The caller has gone away or the time is up; what was begun has been undone.
    case cancelled
    /// A program that was begun for this works on; the same call later says how far it is, or goes on from its end.
    case inProgress
    /// We do not do this, and never will for this kind of volume.
    case unsupported
    /// A defect, or an answer of the operating system nobody foresaw.
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

  /// The same error with what was being done in front of it.
  package func during(_ activity: String) -> VolumeError {
    VolumeError(code, "\(activity): \(message)", cause: cause)
  }
}

extension VolumeError: CustomStringConvertible {
  package var description: String {
    // Many messages quote what is underneath.
    guard let cause, !message.contains("\(cause)") else { return message }
    return "\(message) (\(cause))"
  }
}

/// A failure whose undoing failed too: both are kept, since the second is what an operator has to clean up.
package struct RollbackError: Error, Sendable, CustomStringConvertible {
  package let original: VolumeError
  package let rollback: VolumeError

  package init(original: VolumeError, rollback: VolumeError) {
    self.original = original
    self.rollback = rollback
  }

  package var description: String { "\(original); undoing it failed as well: \(rollback)" }
}

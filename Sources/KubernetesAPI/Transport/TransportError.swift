/// Why no reply came, or not all of it.
package struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// The task was cancelled.
    case cancelled
    /// No connection: the request has certainly not been carried out.
    case unreachable
    /// The other end could not be verified, or did not accept our certificate: nothing has been sent.
    case untrusted
    /// Token, certificate or settings cannot be used: nothing has been sent.
    case credentials
    /// Too slow.
    case timedOut
    /// The connection broke.
    case broken
    /// What came is no proper reply.
    case malformed
  }

  package let kind: Kind
  /// What was found and what to do.
  package let message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  package var description: String { message }

  /// Whether the server may have acted on the request although no answer came.
  package var mayHaveHappened: Bool {
    switch kind {
    case .unreachable, .untrusted, .credentials: false
    case .cancelled, .timedOut, .broken, .malformed: true
    }
  }

  static let cancelled = TransportError(.cancelled, "cancelled")
}

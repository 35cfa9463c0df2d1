/// Why there was no reply, or no complete one.
package struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// The task was cancelled.
    case cancelled
    /// No connection. The request was certainly not carried out.
    case unreachable
    /// The server could not be verified, or did not accept the client's certificate. Nothing was sent.
    case untrusted
    /// Token, certificate or settings cannot be used. Nothing was sent.
    case credentials
    /// The time limit has passed.
    case timedOut
    /// The connection broke.
    case broken
    /// The reply is malformed.
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

  /// Whether the server may have carried out the request although there was no answer.
  package var mayHaveHappened: Bool {
    switch kind {
    case .unreachable, .untrusted, .credentials: false
    case .cancelled, .timedOut, .broken, .malformed: true
    }
  }

  static let cancelled = TransportError(.cancelled, "cancelled")
}

/// What the API server refused, or why it gave no answer. Callers branch on ``kind`` and ``mayHaveHappened``.
package struct APIError: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case notFound
    case alreadyExists
    /// The object has changed, or a precondition does not hold: look again and decide anew.
    case conflict
    /// The object breaks a rule; ``APIError/causes`` says which.
    case invalid
    case badRequest
    /// We lack a right: RBAC, or an admission controller.
    case forbidden
    /// The token or certificate was not accepted.
    case unauthorized
    /// 410: the resource version or the continue token is too old. List anew.
    case expired
    case tooManyRequests
    /// 5xx, a timeout, or no connection.
    case unavailable
    /// The server cannot be trusted, or our credentials cannot be used.
    case untrusted
    /// A reply that is no proper one.
    case malformed
    /// The task was cancelled.
    case cancelled
    /// Another refusal; ``APIError/code`` has the number.
    case other
  }

  /// A field that was objected to.
  package struct Cause: Hashable, Sendable {
    package var reason = ""
    package var field = ""
    package var message = ""
  }

  package var kind: Kind
  /// The HTTP status; 0 when there was no reply.
  package var code = 0
  /// The server's word for it: `NotFound`, `AlreadyExists`, `Conflict`; empty when it gave none.
  package var reason = ""
  /// What was asked, what was found and what to do.
  package var message: String
  package var causes: [Cause] = []
  /// The server's wish.
  package var retryAfter: Duration?
  /// The server may have acted although this is an error: whoever made something has to look.
  package var mayHaveHappened = false

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  init(_ error: TransportError) {
    switch error.kind {
    case .cancelled: kind = .cancelled
    case .untrusted, .credentials: kind = .untrusted
    case .unreachable, .timedOut, .broken: kind = .unavailable
    case .malformed: kind = .malformed
    }
    message = error.message
    mayHaveHappened = error.mayHaveHappened
  }

  /// Whether asking again later can help without anything else changing.
  package var isTransient: Bool { kind == .unavailable || kind == .tooManyRequests || kind == .malformed }

  /// The same error with what was being done in front of it.
  package func during(_ activity: String) -> APIError {
    var other = self
    other.message = "\(activity): \(message)"
    return other
  }
}

extension APIError: CustomStringConvertible {
  package var description: String {
    let details = causes.map { $0.field.isEmpty ? $0.message : "\($0.field): \($0.message)" }
    // Most messages of the server name the causes themselves.
    let missing = details.filter { !message.contains($0) }
    return missing.isEmpty ? message : "\(message) (\(missing.joined(separator: "; ")))"
  }
}

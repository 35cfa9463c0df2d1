/// A refusal of the API server, or the reason why it gave no answer. Callers branch on ``kind`` and
/// ``mayHaveHappened``.
package struct APIError: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case notFound
    case alreadyExists
    /// The object has changed, or a precondition does not hold. Read the object and decide again.
    case conflict
    /// The object violates a rule; ``APIError/causes`` names it.
    case invalid
    case badRequest
    /// The program lacks a permission (RBAC), or an admission controller refused.
    case forbidden
    /// The token or certificate was not accepted.
    case unauthorized
    /// 410: the resource version or the continue token is too old. List again.
    case expired
    case tooManyRequests
    /// 5xx, a timeout, or no connection.
    case unavailable
    /// The server cannot be trusted, or the client's credentials cannot be used.
    case untrusted
    /// The reply is malformed.
    case malformed
    /// The task was cancelled.
    case cancelled
    /// Another refusal; ``APIError/code`` has the HTTP status.
    case other
  }

  /// A field that the server objects to.
  package struct Cause: Hashable, Sendable {
    package var reason = ""
    package var field = ""
    package var message = ""
  }

  package var kind: Kind
  /// The HTTP status; 0 when there was no reply.
  package var code = 0
  /// The server's reason: `NotFound`, `AlreadyExists`, `Conflict`; empty when it gave none.
  package var reason = ""
  /// The request, what was found and what to do.
  package var message: String
  package var causes: [Cause] = []
  /// The delay that the server asks for before a retry.
  package var retryAfter: Duration?
  /// Whether the server may have carried out the request in spite of this error. The caller of a write then has to read
  /// the object.
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

  /// Whether a later retry can succeed without any other change.
  package var isTransient: Bool { kind == .unavailable || kind == .tooManyRequests || kind == .malformed }

  /// The same error with the activity that failed in front of its message.
  package func during(_ activity: String) -> APIError {
    var other = self
    other.message = "\(activity): \(message)"
    return other
  }
}

extension APIError: CustomStringConvertible {
  package var description: String {
    let details = causes.map { $0.field.isEmpty ? $0.message : "\($0.field): \($0.message)" }
    // Most messages of the server name the causes already.
    let missing = details.filter { !message.contains($0) }
    return missing.isEmpty ? message : "\(message) (\(missing.joined(separator: "; ")))"
  }
}

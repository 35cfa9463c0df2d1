package import KubernetesAPI

/// Why a request failed: one vocabulary for refusals, failed preconditions and lost answers.
package struct WriteFailure: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// An object of this name exists already.
    case exists
    /// The object does not exist.
    case missing
    /// A precondition does not hold: the object has changed since it was read.
    case conflict
    /// The server has refused the request. Nothing was changed.
    case rejected
    /// The answer was lost. It is not known whether the request was carried out.
    case unknown
  }

  package var kind: Kind
  package var message: String
  /// The program lacks the permission. A retry does not help until an operator grants it.
  package var isForbidden = false
  /// The server found the object wrong (422). A retry does not help until its author changes it.
  package var isInvalid = false

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The meaning of an API client's error for a write.
  package init(_ error: APIError) {
    let kind: Kind =
      switch error.kind {
      case .alreadyExists: .exists
      case .notFound: .missing
      // A JSON patch whose test fails gives a 422 (`invalid`) that names no field: the tested field has changed.
      case .conflict: .conflict
      case .invalid where error.causes.isEmpty: .conflict
      case _ where error.mayHaveHappened: .unknown
      default: .rejected
      }
    self.init(kind, error.description)
    isForbidden = error.kind == .forbidden
    isInvalid = error.kind == .invalid && kind == .rejected
  }
}

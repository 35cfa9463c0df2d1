package import KubernetesAPI

/// Why a request did not do what it was to do: one vocabulary for refusals, failed preconditions and lost answers.
package struct WriteFailure: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// There is one of that name already.
    case exists
    /// There is none.
    case missing
    /// It is not as it was seen: a precondition does not hold.
    case conflict
    /// The server has said no: nothing was done.
    case rejected
    /// Nobody knows whether it was done: the answer was lost.
    case unknown
  }

  package var kind: Kind
  package var message: String
  /// We lack the right, so trying again does not help before somebody grants it.
  package var isForbidden = false

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// What an error of the API client means for a write.
  package init(_ error: APIError) {
    let kind: Kind =
      switch error.kind {
      case .alreadyExists: .exists
      case .notFound: .missing
      // A JSON patch whose test fails is a 422 (`invalid`) that names no field: what was tested is not as it was seen.
      case .conflict: .conflict
      case .invalid where error.causes.isEmpty: .conflict
      case _ where error.mayHaveHappened: .unknown
      default: .rejected
      }
    self.init(kind, error.description)
    isForbidden = error.kind == .forbidden
  }
}

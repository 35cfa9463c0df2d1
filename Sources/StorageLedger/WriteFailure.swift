/// Why a request did not do what it was to do.
package struct WriteFailure: Error, Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// There is one of that name already.
    case exists
    /// There is none.
    case missing
    /// It is not as it was seen.
    case conflict
    /// The server has said no: nothing was done.
    case rejected
    /// Nobody knows whether it was done: the answer was lost.
    case unknown
  }

  package var kind: Kind
  package var message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }
}

/// Why a claim is not provisioned now, for an Event that tells its owner what to do.
package struct Refusal: Error, Hashable, Sendable {
  /// The Event's reason: one word, stable.
  package var reason: Reason
  /// Names what was found, what is allowed, and what can be done instead.
  package var message: String

  /// Reasons of Events on claims.
  package enum Reason: String, Sendable, CaseIterable {
    /// The claim asks for what these volumes can not be. Changing the claim is the only way.
    case unsupportedClaim = "UnsupportedClaim"
    /// The storage class is not as it should be.
    case invalidStorageClass = "InvalidStorageClass"
    /// No room on the node that the scheduler chose.
    case insufficientStorage = "InsufficientStorage"
    /// The API server or something else failed; it is tried again.
    case provisioningFailed = "ProvisioningFailed"
  }

  package init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}

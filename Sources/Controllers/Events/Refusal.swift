package import Controllers

/// Why a claim is not provisioned now, for an Event that tells its owner what to do.
package struct Refusal: Error, Hashable, Sendable {
  package var reason: EventReason
  /// Names what was found, what is allowed, and what can be done instead.
  package var message: String

  package init(_ reason: EventReason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}

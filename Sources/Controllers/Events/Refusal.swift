/// Why an object does not get what it asks for now, for an Event that tells its owner what to do.
package struct Refusal: Error, Hashable, Sendable {
  package var reason: EventReason
  /// Names what was found, what is allowed, and what can be done instead.
  package var message: String

  package init(_ reason: EventReason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}

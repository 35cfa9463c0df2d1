package import Controllers

/// Why a namespace does not get the volume that it asks for, for an Event that tells its owner what to do.
package struct NamespaceVolumeRefusal: Error, Hashable, Sendable {
  package let reason: EventReason
  /// Names what was found, what is allowed, and what can be done instead.
  package let message: String

  package init(_ reason: EventReason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}

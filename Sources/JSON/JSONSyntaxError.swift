/// A text that is no JSON.
package struct JSONSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where, in bytes from the beginning.
  package let offset: Int
  package let reason: String

  package var description: String { "not JSON at byte \(offset): \(reason)" }
}

package import NodeProtocol

/// The reply to a call, and how to take the call back if the caller cannot get the reply, or if kubelet does not see
/// the mount.
package struct HandledCall: Sendable {
  package typealias Undo = @Sendable (_ reason: String) async -> Void

  package let reply: Reply
  package let undo: Undo?

  package init(_ reply: Reply, undo: Undo? = nil) {
    self.reply = reply
    self.undo = undo
  }
}

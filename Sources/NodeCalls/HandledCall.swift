package import NodeProtocol

/// The reply to a call, and how to take the call back: when nobody is there any more to read the reply, or when kubelet does
/// not see what the reply says is mounted.
package struct HandledCall: Sendable {
  package typealias Undo = @Sendable (_ reason: String) async -> Void

  package let reply: Reply
  package let undo: Undo?

  package init(_ reply: Reply, undo: Undo? = nil) {
    self.reply = reply
    self.undo = undo
  }
}

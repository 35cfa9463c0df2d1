import CFlexClient

/// A failed system call.
struct SystemFault: Error {
  private let negatedErrno: Int

  /// Wraps the result of a C function that failed, a negative number.
  init(_ negatedErrno: Int) { self.negatedErrno = negatedErrno }

  var cause: FlexClientCause { flexclient_cause(negatedErrno) }

  /// Whether a restarting daemon explains the failure: its socket is missing, has no listener, or has a full queue.
  var mayPassByItself: Bool {
    switch cause {
    case .notFound, .refused, .again: true
    case .interrupted, .peerGone, .denied, .pathTooLong, .notASocket, .other: false
    }
  }

  /// The text for the message to the operator.
  var text: String {
    switch cause {
    case .notFound: "the socket does not exist"
    case .refused: "no process listens on the socket"
    case .again: "the queue of the socket is full"
    case .interrupted: "interrupted by a signal"
    case .peerGone: "the daemon closed the connection"
    case .denied: "permission denied"
    case .pathTooLong: "the path of the socket is longer than 107 bytes"
    case .notASocket: "the path does not lead to a stream socket"
    case .other: "errno \(-negatedErrno)"
    }
  }
}

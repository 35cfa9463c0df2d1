import CFlexClient

/// A failed system call.
struct SystemFault: Error {
  private let negatedErrno: Int

  /// What the C side handed back: less than zero.
  init(_ negatedErrno: Int) { self.negatedErrno = negatedErrno }

  var cause: FlexClientCause { flexclient_cause(negatedErrno) }

  /// Whether a daemon that is just restarting explains it: its socket is missing, abandoned, or has a full queue.
  var mayPassByItself: Bool {
    switch cause {
    case .notFound, .refused, .again: true
    case .interrupted, .peerGone, .denied, .pathTooLong, .notASocket, .other: false
    }
  }

  /// A phrase for the message to the operator.
  var text: String {
    switch cause {
    case .notFound: "the socket does not exist"
    case .refused: "nobody listens on the socket"
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

/// The reason why a call failed: the message that the kubelet puts into the pod's Event.
///
/// It never contains arguments except the command, nor bytes of a reply. Both can contain secrets.
struct ClientFailure: Error {
  let message: String

  init(_ message: String) { self.message = message }

  /// Returns a failure between the client and the daemon, with advice for the operator.
  static func daemon(_ socket: String, _ found: String) -> ClientFailure {
    ClientFailure(
      "\(found) (socket \"\(socket)\"); is the elastic-local node daemon running on this node? see its pod's log")
  }

  /// Returns the failure for a mount that the kubelet does not see as the daemon made it.
  static func unseen(_ finding: MountCheck.Finding) -> ClientFailure {
    let found =
      finding == .absent
      ? "it does not appear in the kubelet's mount namespace"
      : "its read-only, nosuid, nodev or noexec flags are not the same in the kubelet's mount namespace"
    return ClientFailure(
      "the node daemon mounted the volume, but \(found); the daemon takes the mount back. The daemon needs mounts that are "
        + "shared with the host: in its pod mountPropagation: Bidirectional, in its systemd unit no setting that makes a "
        + "mount namespace (PrivateTmp=, ProtectSystem= and the like) and no MountFlags=")
  }

  static func unsendable(_ fault: RequestFault) -> ClientFailure {
    switch fault {
    case .notUTF8(let argument): ClientFailure("argument \(argument) (counted from 1, the command) is not valid UTF-8")
    case .tooLarge: ClientFailure("the arguments are larger than the \(wireLimit) bytes that a request may have")
    }
  }

  /// Returns the failure for a rejected reply of `size` bytes. `complete` is whether the reply ended with a newline.
  static func unusable(_ fault: ReplyFault, size: Int, complete: Bool, socket: String) -> ClientFailure {
    if size == 0 { return daemon(socket, "the node daemon closed the connection without a reply") }
    let length = complete ? "\(size) bytes" : "\(size) bytes, ended without a newline"
    return daemon(socket, "the node daemon's reply (\(length)) cannot be used: \(text(of: fault))")
  }

  private static func text(of fault: ReplyFault) -> String {
    switch fault {
    case .malformed(let json): "it is not one JSON object, \(json.expected) was expected at byte \(json.offset)"
    case .trailingBytes(let offset): "there are more bytes after its JSON object, at byte \(offset)"
    case .statusMissing: "it has no status"
    case .statusAmbiguous: "it has more than one status, or one that is not spelled \"status\""
    case .statusUnknown: "its status is none of Success, Failure and Not supported"
    }
  }
}

/// The reason why a call failed: the message that the kubelet puts into the pod's Event.
///
/// It never contains arguments except the command, nor bytes of a reply. Both can contain secrets.
struct ClientFailure: Error {
  let message: String

  init(_ message: String) { self.message = message }

  /// Returns a failure between the client and the daemon, with advice for the operator.
  static func daemon(_ socket: String, _ found: String) -> ClientFailure {
    ClientFailure(
      "\(found) (socket \"\(socket)\"); check that the elastic-local node daemon runs on this node, and read its log")
  }

  /// Returns the failure for a mount that the kubelet does not see as the daemon made it.
  static func unseen(_ finding: MountCheck.Finding) -> ClientFailure {
    let found =
      finding == .absent
      ? "it does not appear in the kubelet's mount namespace"
      : "its read-only, nosuid, nodev or noexec flags are not the same in the kubelet's mount namespace"
    return ClientFailure(
      "the node daemon mounted the volume, but \(found); the daemon rolls the mount back. Share the daemon's mounts "
        + "with the host. In its pod, set mountPropagation: Bidirectional. In its systemd unit, remove MountFlags= and all "
        + "settings that create a mount namespace (PrivateTmp=, ProtectSystem= and the like)")
  }

  static func unsendable(_ fault: RequestFault) -> ClientFailure {
    switch fault {
    case .notUTF8(let argument): ClientFailure("argument \(argument) is not valid UTF-8 (argument 1 is the command)")
    case .tooLarge: ClientFailure("the request is larger than the limit of \(wireLimit) bytes")
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
    case .malformed(let json): "it is not one JSON object, expected \(json.expected) at byte \(json.offset)"
    case .trailingBytes(let offset): "there are more bytes after its JSON object, at byte \(offset)"
    case .statusMissing: "it has no status"
    case .statusAmbiguous: "it has more than one status, or one that is not spelled \"status\""
    case .statusUnknown: "its status is none of Success, Failure and Not supported"
    }
  }
}

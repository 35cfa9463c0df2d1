/// Performs one FlexVolume call-out and prints its reply: one JSON object and a newline. Prints nothing on standard
/// error.
///
/// Blocks until the daemon has replied, at most 110 s or the seconds in `ELASTIC_LOCAL_TIMEOUT`. Errors are
/// printed as a Failure.
///
/// - Parameters:
///   - argc: the `argc` of `main`.
///   - argv: the `argv` of `main`. It must live as long as the process.
///   - attach: whether `init` announces that the controller-manager must attach volumes first.
/// - Returns: the exit code: 0 for Success and Not supported, 1 for Failure or if the reply could not be printed.
package func runFlexClient(
  argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, attach: Bool
) -> Int32 {
  let arguments = Arguments(argc: argc, argv: argv).bytes()
  guard let command = arguments.first else {
    return refuse("usage: elastic-local <command> [<argument> ...]; this is a FlexVolume driver, run by the kubelet")
  }
  if let local = LocalCommand.named(command, attach: attach) {
    return answer(local, argumentCount: arguments.count - 1)
  }
  do {
    return try forward(arguments)
  } catch {
    return refuse("elastic-local \(printableText(command, limit: 64)): \(error.message)")
  }
}

private func answer(_ command: LocalCommand, argumentCount: Int) -> Int32 {
  guard argumentCount >= command.minimumArguments else {
    return refuse("elastic-local \(command.name) needs \(command.wants); number of arguments: \(argumentCount)")
  }
  let reply = UnsafeBufferPointer(start: command.reply.utf8Start, count: command.reply.utf8CodeUnitCount)
  return Output.write(reply) ? 0 : 1
}

/// Sends the call to the daemon and prints its reply unchanged.
private func forward(_ arguments: [UnsafeBufferPointer<UInt8>]) throws(ClientFailure) -> Int32 {
  let request: [UInt8]
  do {
    request = try requestLine(arguments)
  } catch {
    throw .unsendable(error)
  }
  let call = DaemonCall(ClientConfiguration.fromEnvironment())
  let connection = try call.connect()
  var reply = try call.exchange(request, over: connection)
  let end = reply.firstIndex(of: newline)
  let checked: Reply
  do {
    checked = try reply.withUnsafeBufferPointer { (bytes) throws(ReplyFault) in try Reply(line: bytes) }
  } catch {
    throw .unusable(error, size: reply.count, complete: end != nil, socket: call.socketName)
  }
  if let shown = checked.shown, checked.status == .success, arguments.count > 1 {
    try reply.withUnsafeBufferPointer { (bytes) throws(ClientFailure) in
      try requireSeen(UnsafeBufferPointer(rebasing: bytes[shown]), at: arguments[1], call, connection)
    }
  }
  reply.removeSubrange(checked.object.upperBound...)
  reply.append(newline)
  let start = checked.object.lowerBound
  let printed = reply.withUnsafeBufferPointer { Output.write(UnsafeBufferPointer(rebasing: $0[start...])) }
  return printed ? checked.status.exitCode : 1
}

/// Requires that the kubelet sees the daemon's mount. Otherwise the daemon rolls it back and the call fails.
private func requireSeen(
  _ shown: UnsafeBufferPointer<UInt8>, at directory: UnsafeBufferPointer<UInt8>, _ call: DaemonCall, _ connection: Int32
) throws(ClientFailure) {
  var finding = MountCheck.check(directory, shown: shown)
  if call.confirm(finding == .seen, over: connection) && finding == .seen { return }
  do {
    try call.awaitEnd(of: connection)
  } catch {
    // If the mount is not seen, that is the failure to report.
    if finding == .seen { throw error }
  }
  // A daemon that died meanwhile leaves its mount. A daemon that stopped waiting has rolled it back.
  if finding == .seen { finding = MountCheck.check(directory, shown: shown) }
  if finding != .seen { throw .unseen(finding) }
}

/// Prints a Failure of the client itself.
private func refuse(_ message: String) -> Int32 {
  var text = JSONText(capacity: 512)
  text.append(raw: "{\"status\":\"Failure\",\"message\":")
  let bytes = Array(message.utf8)
  _ = bytes.withUnsafeBufferPointer { text.append(string: $0) }
  text.append(raw: "}\n")
  _ = text.bytes.withUnsafeBufferPointer { Output.write($0) }
  return 1
}

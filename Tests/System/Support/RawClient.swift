import LinuxSystem
import Testing

// What no kubelet sends: any words at all, straight to the client.
extension Node {
  /// Starts the client with any arguments.
  func beginRaw(_ arguments: [String], timeout: Int = 60) throws -> Program {
    try Program(
      Products.client, arguments,
      environment: ["ELASTIC_LOCAL_SOCKET": socket, "ELASTIC_LOCAL_TIMEOUT": "\(timeout)"])
  }

  /// Runs the client with any arguments.
  @discardableResult
  func callRaw(_ arguments: [String], at location: SourceLocation = #_sourceLocation) throws -> RawReply {
    RawReply(arguments.joined(separator: " "), try beginRaw(arguments).wait(), at: location)
  }
}

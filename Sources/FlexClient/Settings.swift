import CFlexClient

/// What the environment can set. The kubelet gives a driver its own environment, so these are set for the kubelet.
struct Settings {
  /// `ELASTIC_LOCAL_SOCKET`; empty counts as unset.
  let socketPath: UnsafePointer<CChar>
  /// `ELASTIC_LOCAL_TIMEOUT`: for the whole call.
  let timeoutInSeconds: Int

  /// `CallTimes.client` in Sources/StorageModel is the same.
  static let defaultTimeoutInSeconds = 110

  /// Reads the environment. What it gives lives as long as the process.
  static func fromEnvironment() -> Settings {
    Settings(
      socketPath: variable("ELASTIC_LOCAL_SOCKET") ?? defaultSocketPath,
      timeoutInSeconds: variable("ELASTIC_LOCAL_TIMEOUT").flatMap { timeout(bytesOfCString($0)) }
        ?? defaultTimeoutInSeconds)
  }

  private static var defaultSocketPath: UnsafePointer<CChar> {
    let path: StaticString = "/var/run/elastic-local/socket"
    return UnsafeRawPointer(path.utf8Start).assumingMemoryBound(to: CChar.self)
  }

  private static func variable(_ name: StaticString) -> UnsafePointer<CChar>? {
    let name = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    guard let value = flexclient_getenv(name), value[0] != 0 else { return nil }
    return value
  }

  /// Whole seconds from 1 to 3600, else nil: a slip in the kubelet's environment must not keep volumes from being
  /// unmounted, so the default takes its place; a failure by timeout names the seconds that were in force.
  private static func timeout(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
    if text.count > 4 { return nil }
    var seconds = 0
    for byte in text {
      guard isDigit(byte) else { return nil }
      seconds = seconds * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return seconds >= 1 && seconds <= 3600 ? seconds : nil
  }
}

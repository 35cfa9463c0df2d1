import CFlexClient

/// The client's configuration, from the environment. The kubelet passes its own environment to a driver, so they are set for the kubelet.
struct ClientConfiguration {
  /// `ELASTIC_LOCAL_SOCKET`. An empty value counts as unset.
  let socketPath: UnsafePointer<CChar>
  /// `ELASTIC_LOCAL_TIMEOUT`: the longest time for the whole call, in seconds.
  let timeoutInSeconds: Int

  /// Reads the environment. The settings are valid as long as the process.
  static func fromEnvironment() -> ClientConfiguration {
    ClientConfiguration(
      socketPath: variable("ELASTIC_LOCAL_SOCKET") ?? defaultSocketPath,
      timeoutInSeconds: variable("ELASTIC_LOCAL_TIMEOUT").flatMap { timeout(bytesOfCString($0)) }
        ?? CallTime.seconds)
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

  /// Parses whole seconds from 1 to 3600. Nil for other text: then the default applies, because a typo in the kubelet's
  /// environment must not keep volumes from being unmounted. A timeout's message names the seconds in effect.
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

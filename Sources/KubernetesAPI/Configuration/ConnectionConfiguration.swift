internal import LinuxSystem
internal import StorageModel

/// Where the API server is, whom to trust and who we are.
package struct ConnectionConfiguration: Sendable, Hashable {
  /// Scheme, host and port: `https://10.0.0.1:443`, without a slash at the end.
  package var server: String
  /// The certificates that may have issued the server's; nil for those the system trusts.
  package var authority: Source?
  package var certificate: Source?
  package var key: Source?
  /// A bearer token.
  package var token: Source?
  package var userAgent: String

  /// A credential: as it is, or a file that may be replaced at any time.
  package enum Source: Sendable, Hashable {
    case inline([UInt8])
    case file(String)
  }

  package init(
    server: String, authority: Source? = nil, certificate: Source? = nil, key: Source? = nil, token: Source? = nil,
    userAgent: String = "elastic-local/\(ProductNames.release)"
  ) {
    var server = server
    while server.hasSuffix("/") { server.removeLast() }
    self.server = server
    self.authority = authority
    self.certificate = certificate
    self.key = key
    self.token = token
    self.userAgent = userAgent
  }
}

extension ConnectionConfiguration {
  /// Refuses what can never work.
  func validate() throws(TransportError) {
    guard (certificate == nil) == (key == nil) else {
      throw TransportError(.credentials, "a client certificate and its key are needed both: one of them is missing")
    }
    if server.hasPrefix("https://"), !server.utf8.contains(0x40) { return }
    // All of the address, since `http://localhost:1@elsewhere` is elsewhere.
    let isLocal = ["http://127.0.0.1", "http://localhost", "http://[::1]"].contains { base in
      guard server.hasPrefix(base) else { return false }
      let rest = server.utf8.dropFirst(base.utf8.count)
      return rest.isEmpty
        || (rest.first == 0x3A && (2...6).contains(rest.count) && rest.dropFirst().allSatisfy(isDigit))
    }
    guard isLocal else {
      throw TransportError(
        .credentials,
        "\(quoted(server)) is no address of an API server: https://HOST:PORT is wanted, since without TLS "
          + "the token could be read on the way (http only on this machine)")
    }
  }

  private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Credentials as they are now.
  struct Credentials {
    let authority: [UInt8]?
    let certificate: [UInt8]?
    let key: [UInt8]?
    let token: String?
  }

  /// Reads the files. Blocks for as long as their file system does.
  func credentials() throws(TransportError) -> Credentials {
    Credentials(
      authority: try Self.read(authority, "certificate authority"),
      certificate: try Self.read(certificate, "client certificate"), key: try Self.read(key, "client key"),
      token: try Self.read(token, "token").map(Self.text))
  }

  private static func read(_ source: Source?, _ what: String) throws(TransportError) -> [UInt8]? {
    switch source {
    case nil: return nil
    case .inline(let bytes): return bytes
    case .file(let path):
      do throws(SystemError) {
        return try Files.readAll(path)
      } catch {
        throw TransportError(.credentials, "the \(what) cannot be read: \(error)")
      }
    }
  }

  /// A token without the line break that files end with; one inside would end the header.
  private static func text(_ token: [UInt8]) -> String {
    String(decoding: token.filter { $0 > 0x20 && $0 < 0x7f }, as: UTF8.self)
  }
}

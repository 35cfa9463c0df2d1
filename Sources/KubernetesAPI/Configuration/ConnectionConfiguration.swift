internal import LinuxSystem
internal import StorageModel

/// The API server's address, the certificates to trust, and the client's credentials.
package struct ConnectionConfiguration: Sendable, Hashable {
  /// Scheme, host and port: `https://10.0.0.1:443`, without a slash at the end.
  package var server: String
  /// The certificates that may have issued the server's certificate; nil for those that the system trusts.
  package var authority: Source?
  package var certificate: Source?
  package var key: Source?
  /// A bearer token.
  package var token: Source?
  package var userAgent: String

  /// A credential: its bytes, or a file that may be replaced at any time.
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
  /// Checks the configuration.
  ///
  /// - Throws: ``TransportError`` if it can never work.
  func validate() throws(TransportError) {
    guard (certificate == nil) == (key == nil) else {
      throw TransportError(.credentials, "a client certificate and its key are needed both: one of them is missing")
    }
    if server.hasPrefix("https://"), !server.utf8.contains(0x40) { return }
    // Compares the whole address, because `http://localhost:1@elsewhere` names the host `elsewhere`.
    let isLocal = ["http://127.0.0.1", "http://localhost", "http://[::1]"].contains { base in
      guard server.hasPrefix(base) else { return false }
      let rest = server.utf8.dropFirst(base.utf8.count)
      return rest.isEmpty
        || (rest.first == 0x3A && (2...6).contains(rest.count) && rest.dropFirst().allSatisfy(isDigit))
    }
    guard isLocal else {
      throw TransportError(
        .credentials,
        "\(quoted(server)) is not a valid address of an API server: give https://HOST:PORT. Without TLS the token "
          + "could be read on the network, so http is allowed only on this machine")
    }
  }

  private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// The present credentials.
  struct Credentials {
    let authority: [UInt8]?
    let certificate: [UInt8]?
    let key: [UInt8]?
    let token: String?
  }

  /// Reads the files. Blocks as long as their file system does.
  ///
  /// - Throws: ``TransportError/Kind/credentials`` if a file cannot be read.
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

  /// The token without the line break at the end of a file. A line break inside it would end the header.
  private static func text(_ token: [UInt8]) -> String {
    String(decoding: token.filter { $0 > 0x20 && $0 < 0x7f }, as: UTF8.self)
  }
}

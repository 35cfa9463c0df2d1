import KubernetesAPI
import LinuxSystem
import Testing

@Suite("TLS", .enabled(if: TLSServer.isPossible, "openssl is not installed"), .serialized)
struct TLSTests {
  private func day(_ offset: Int64) -> String {
    let time = WallClock.now() + .seconds(offset * 86_400)
    return String(time.rfc3339.filter { !"-T:".contains($0) })
  }

  @Test("a server with a certificate of the given authority is accepted")
  func trusted() async throws {
    let server = try TLSServer(from: day(-1), to: day(1))
    defer { server.stop() }
    let outcome = try await server.outcome(ConnectionConfiguration(server: server.address, authority: server.authority))
    #expect(try outcome.get().status == 200)
  }

  @Test("a wrong authority, none, one that is no PEM, and another name are refused, each by name")
  func untrusted() async throws {
    let server = try TLSServer(from: day(-1), to: day(1))
    defer { server.stop() }
    let cases: [(String, ConnectionConfiguration.Source?, TransportError.Kind, String)] = [
      (server.address, .file("\(server.directory)/other.crt"), .untrusted, "not issued by the certificate authority"),
      (server.address, nil, .untrusted, "not issued by the certificate authority"),
      (server.address, .inline(Array("no PEM".utf8)), .credentials, "not a usable PEM"),
      (server.address, .file("/nowhere/ca.crt"), .credentials, "/nowhere/ca.crt"),
      ("https://localhost:\(server.port)", server.authority, .untrusted, "is for another name"),
    ]
    for (address, authority, kind, words) in cases {
      let outcome = try await server.outcome(ConnectionConfiguration(server: address, authority: authority))
      let error = #expect(throws: TransportError.self) { try outcome.get() }
      #expect(error?.kind == kind && error?.message.contains(words) == true, "\(error?.message ?? "")")
      #expect(error?.mayHaveHappened == false)
    }
  }

  /// As an administrator's `openssl rehash` makes it.
  private func trustOnMachine(_ certificate: String) throws -> String {
    let hash = try ChildProcess.run(
      "/usr/bin/openssl", ["x509", "-noout", "-hash", "-in", certificate], deadline: .seconds(30))
    let link = "/etc/ssl/certs/\(hash.output.filter { $0.isHexDigit }).0"
    let linked = try ChildProcess.run("/bin/ln", ["-s", certificate, link], deadline: .seconds(30))
    try #require(linked.status == .exited(0), "\(linked.output)")
    return link
  }

  @Test(
    "where an authority is given, a server that only the machine's own authorities certify is refused",
    .enabled(if: OwnProcess.effectiveUserID == 0, "needs to write into /etc/ssl/certs"))
  func machineAuthorities() async throws {
    let server = try TLSServer(from: day(-1), to: day(1))
    defer { server.stop() }
    let link = try trustOnMachine("\(server.directory)/ca.crt")
    defer { try? Files.removeDurably(link) }
    let outcome = try await server.outcome(
      ConnectionConfiguration(server: server.address, authority: .file("\(server.directory)/other.crt")))
    let error = #expect(throws: TransportError.self) { try outcome.get() }
    #expect(error?.kind == .untrusted, "\(error?.message ?? "")")
  }

  @Test("a certificate that has expired or is not valid yet is reported with the time of this machine's clock")
  func clock() async throws {
    let year = WallClock.now().rfc3339.prefix(13)
    for (begin, end, words) in [(-3, -1, "has expired"), (1, 3, "is not valid yet")] {
      let server = try TLSServer(from: day(Int64(begin)), to: day(Int64(end)))
      defer { server.stop() }
      let outcome = try await server.outcome(
        ConnectionConfiguration(server: server.address, authority: server.authority))
      let error = #expect(throws: TransportError.self) { try outcome.get() }
      #expect(error?.kind == .untrusted && error?.message.contains(words) == true, "\(error?.message ?? "")")
      #expect(error?.message.contains(year) == true && error?.message.contains("Set the clock") == true)
    }
  }

  @Test("a client certificate is sent; one that is not PEM is refused before anything is sent")
  func clientCertificate() async throws {
    let server = try TLSServer(from: day(-1), to: day(1), requiresClientCertificate: true)
    defer { server.stop() }
    var configuration = ConnectionConfiguration(
      server: server.address, authority: server.authority, certificate: .file("\(server.directory)/server.crt"),
      key: .file("\(server.directory)/server.key"))
    #expect(try await server.outcome(configuration).get().status == 200)
    configuration.key = .inline(Array("no PEM".utf8))
    let outcome = try await server.outcome(configuration)
    let error = #expect(throws: TransportError.self) { try outcome.get() }
    #expect(
      error?.kind == .credentials && error?.message.contains("client certificate") == true, "\(error?.message ?? "")")
  }
}

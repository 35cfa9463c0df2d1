import KubernetesAPI
import LinuxSystem
import Testing

/// An HTTPS server of openssl's with a certificate that is valid in a given time, and its authority.
final class TLSServer: Sendable {
  let port: UInt16
  let directory: String
  private let flag = CancellationFlag()
  private let pool = WorkerPool(name: "openssl", limit: 1)

  static var isPossible: Bool { Files.exists("/usr/bin/openssl") }

  private static let configuration = """
    [ca]
    default_ca=d
    [d]
    database=index.txt
    serial=serial
    new_certs_dir=.
    default_md=sha256
    policy=p
    x509_extensions=e
    [p]
    commonName=supplied
    [e]
    subjectAltName=IP:127.0.0.1
    """

  /// - Parameters:
  ///   - begin: when the server's certificate becomes valid, `YYYYMMDDHHMMSSZ`.
  ///   - end: when it expires.
  init(from begin: String, to end: String, requiresClientCertificate: Bool = false) throws {
    directory = "/tmp/elastic-local-tls-\(UInt32.random(in: .min ... .max))"
    try Files.makeDirectories(directory, mode: 0o700)
    try Files.writeDurably(Array(Self.configuration.utf8), to: "\(directory)/config")
    let script = """
      set -e; cd \(directory); : >index.txt; echo 01 >serial
      key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
      openssl req -x509 $key -keyout ca.key -out ca.crt -subj /CN=authority -days 3650
      openssl req -x509 $key -keyout other.key -out other.crt -subj /CN=other -days 3650
      openssl req $key -keyout server.key -out server.csr -subj /CN=server
      openssl ca -batch -config config -in server.csr -cert ca.crt -keyfile ca.key -out server.crt -notext \
      -startdate \(begin) -enddate \(end)
      """
    let made = try ChildProcess.run("/bin/sh", ["-c", script], deadline: .seconds(30))
    try #require(made.status == .exited(0), "\(made.output)")
    let listener = try TCPListener("127.0.0.1:0")
    port = try listener.port()
    listener.shutdown()
    let verify = requiresClientCertificate ? "-Verify 1 -verify_return_error -CAfile ca.crt" : ""
    let server =
      "cd \(directory); exec openssl s_server -accept 127.0.0.1:\(port) -cert server.crt -key server.key -www -quiet \(verify)"
    let flag = flag
    pool.post {
      // Ends when the flag is set, which `run` reports as an error.
      _ = try? ChildProcess.run("/bin/sh", ["-c", server], deadline: .seconds(60), cancellation: flag)
    }
  }

  func stop() {
    flag.cancel()
    try? Files.removeTree(directory)
  }

  var address: String { "https://127.0.0.1:\(port)" }
  var authority: ConnectionConfiguration.Source { .file("\(directory)/ca.crt") }

  /// What a request ends with, once the server listens.
  func outcome(_ configuration: ConnectionConfiguration) async throws -> Result<HTTPHead, TransportError> {
    let transport = try CurlTransport(configuration)
    for _ in 0..<200 {
      do throws(TransportError) {
        return .success(try await transport.send(HTTPRequest(path: "/", timeout: .seconds(10))).head)
      } catch {
        guard error.kind == .unreachable else { return .failure(error) }
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw TransportError(.unreachable, "openssl s_server does not listen")
  }
}

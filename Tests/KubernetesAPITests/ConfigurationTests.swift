import KubernetesAPI
import LinuxSystem
import Testing

@Suite("Configuration")
struct ConfigurationTests {
  private func kubeconfig(_ text: String, context: String? = nil) throws -> ConnectionConfiguration {
    let path = "/tmp/elastic-local-kubeconfig-\(UInt32.random(in: .min ... .max))"
    try Files.writeDurably(Array(text.utf8), to: path)
    defer { try? Files.removeDurably(path) }
    return try ConnectionConfiguration.kubeconfig(path, context: context)
  }

  private func config(cluster: String, user: String) -> String {
    #"{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"k","cluster":{\#(cluster)}}],"#
      + #""contexts":[{"name":"c","context":{"cluster":"k","user":"u"}},{"name":"d","context":{"cluster":"k"}}],"#
      + #""users":[{"name":"u","user":{\#(user)}}]}"#
  }

  @Test("a kubeconfig in JSON form gives address, authority and credentials, as data or as files beside it")
  func kubeconfig() throws {
    let configuration = try kubeconfig(
      config(
        cluster: #""server":"https://h:6443/","certificate-authority-data":"UEVN","certificate-authority":"/ignored""#,
        user: #""client-certificate":"/c.pem","client-key":"k.pem","token":null"#))
    #expect(configuration.server == "https://h:6443" && configuration.authority == .inline(Array("PEM".utf8)))
    #expect(
      configuration.certificate == .file("/c.pem") && configuration.key == .file("/tmp/k.pem")
        && configuration.token == nil)
    let other = try kubeconfig(config(cluster: #""server":"https://h""#, user: #""token":"t""#), context: "d")
    #expect(other.token == nil, "a context without a user is anonymous")
    let token = try kubeconfig(config(cluster: #""server":"https://h""#, user: #""token":"t""#))
    #expect(token.token == .inline(Array("t".utf8)))
  }

  @Test(
    "what is not supported is refused by name",
    arguments: [
      (#""server":"https://h","insecure-skip-tls-verify":true"#, "", "insecure-skip-tls-verify"),
      (#""server":"https://h","proxy-url":"http://p""#, "", "proxy-url"),
      (#""server":"https://h""#, #""exec":{"command":"aws"}"#, "exec"),
      (#""server":"https://h""#, #""username":"x","password":"y""#, "username"), ("", "", "cluster"),
    ])
  func unsupported(_ cluster: String, _ user: String, _ word: String) throws {
    let error = #expect(throws: TransportError.self) { try kubeconfig(config(cluster: cluster, user: user)) }
    #expect(error?.kind == .credentials && error?.message.contains(word) == true, "\(error?.message ?? "")")
  }

  @Test("YAML is refused, with the command that converts it to JSON")
  func yaml() {
    let error = #expect(throws: TransportError.self) { try kubeconfig("apiVersion: v1\nkind: Config\n") }
    #expect(error?.message.contains("kubectl config view --raw -o json") == true)
  }

  @Test("in a pod the address comes from the environment, IPv6 in brackets")
  func inCluster() throws {
    let directory = "/tmp/elastic-local-account-\(UInt32.random(in: .min ... .max))"
    try Files.makeDirectories(directory, mode: 0o700)
    try Files.writeDurably([0x61], to: "\(directory)/token")
    let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
    let missing = #expect(throws: TransportError.self) {
      try ConnectionConfiguration.inCluster(environment: environment, directory: directory)
    }
    #expect(missing?.message.contains("ca.crt") == true)
    try Files.writeDurably([0x61], to: "\(directory)/ca.crt")
    let configuration = try ConnectionConfiguration.inCluster(environment: environment, directory: directory)
    #expect(configuration.server == "https://[fd00::1]:443" && configuration.token == .file("\(directory)/token"))
    for name in ["token", "ca.crt"] { try Files.removeDurably("\(directory)/\(name)") }
    try Files.removeDirectory(directory)
    #expect(throws: TransportError.self) {
      try ConnectionConfiguration.inCluster(environment: [:], directory: directory)
    }
  }

  @Test("flags name the server and its credentials; a kubeconfig has all of them, and no other flag goes with it")
  func flags() throws {
    let plain = try ConnectionConfiguration(
      .init(server: "https://h:1/", authority: "/ca", tokenFile: "/token"), environment: [:])
    #expect(plain == ConnectionConfiguration(server: "https://h:1", authority: .file("/ca"), token: .file("/token")))
    let path = "/tmp/elastic-local-kubeconfig-\(UInt32.random(in: .min ... .max))"
    try Files.writeDurably(
      Array(config(cluster: #""server":"https://h","certificate-authority":"ca""#, user: #""token":"t""#).utf8),
      to: path)
    defer { try? Files.removeDurably(path) }
    let kubeconfig = try ConnectionConfiguration(.init(kubeconfig: path), environment: [:])
    #expect(kubeconfig.server == "https://h" && kubeconfig.authority == .file("/tmp/ca"))
    for flags in [
      ConnectionConfiguration.Flags(kubeconfig: path, server: "https://other"),
      .init(kubeconfig: path, tokenFile: "/token"),
      .init(tokenFile: "/token"), .init(),
    ] {
      let error = #expect(throws: TransportError.self) { try ConnectionConfiguration(flags, environment: [:]) }
      #expect(error?.kind == .credentials, "\(flags)")
    }
  }

  @Test("plain http is for this machine alone, and half a client certificate is refused")
  func insecure() {
    for server in [
      "http://10.0.0.1", "http://127.0.0.1.example.org", "ftp://h", "h:6443", "", "http://localhost:1@example.org",
      "http://127.0.0.1:1@127.0.0.2:80", "http://127.0.0.1:", "http://localhost:80/x@y", "https://a@b",
    ] {
      let error = #expect(throws: TransportError.self, "\(server)") {
        try CurlTransport(ConnectionConfiguration(server: server))
      }
      #expect(error?.kind == .credentials)
    }
    #expect(throws: TransportError.self) {
      try CurlTransport(ConnectionConfiguration(server: "https://h", certificate: .inline([1])))
    }
  }
}

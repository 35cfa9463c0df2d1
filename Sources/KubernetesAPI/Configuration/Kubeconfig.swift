internal import JSON
internal import LinuxSystem
internal import StorageModel

/// A kubeconfig in its JSON form, which `kubectl config view --raw -o json` prints.
struct Kubeconfig {
  /// The directory for relative paths.
  let directory: String
  private(set) var current = ""
  private(set) var clusters: [String: Cluster] = [:]
  private(set) var users: [String: User] = [:]
  private(set) var contexts: [String: (cluster: String, user: String)] = [:]

  struct Cluster {
    var server = ""
    var authority: ConnectionConfiguration.Source?
    /// A field that is set and not supported.
    var refused: String?
  }

  struct User {
    var certificate: ConnectionConfiguration.Source?
    var key: ConnectionConfiguration.Source?
    var token: ConnectionConfiguration.Source?
    var refused: String?
  }
}

extension Kubeconfig {
  /// - Parameter context: the name of the context; nil for the current one.
  /// - Throws: ``TransportError/Kind/credentials`` with what is missing or not supported.
  func configuration(context: String?) throws(TransportError) -> ConnectionConfiguration {
    let name = context ?? current
    guard let chosen = contexts[name] else {
      throw refusal(name.isEmpty ? "it has no current-context" : "it has no context \(quoted(name))")
    }
    guard let cluster = clusters[chosen.cluster], !cluster.server.isEmpty else {
      throw refusal("it has no cluster \(quoted(chosen.cluster)) with a server")
    }
    // A context without a user is anonymous.
    let user = users[chosen.user] ?? User()
    if let what = cluster.refused ?? user.refused {
      throw refusal("\(what) is not supported: use certificate-authority, client certificate and key, or a token")
    }
    return ConnectionConfiguration(
      server: cluster.server, authority: cluster.authority, certificate: user.certificate, key: user.key,
      token: user.token)
  }

  private func refusal(_ reason: String) -> TransportError { TransportError(.credentials, "the kubeconfig: \(reason)") }
}

extension Kubeconfig {
  init(_ bytes: [UInt8], directory: String) throws(TransportError) {
    self.directory = directory
    var json = JSONReader(bytes)
    do throws(JSONSyntaxError) {
      try read(&json)
      try json.end()
    } catch {
      throw TransportError(
        .credentials, "the kubeconfig is \(error). Give its JSON form: kubectl config view --raw -o json")
    }
  }

  private mutating func read(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "current-context": current = try json.string() ?? ""
      case "clusters":
        guard try json.beginArray() else { continue }
        while try json.nextElement() {
          let (name, cluster) = try named(&json, "cluster", Cluster(), readCluster)
          clusters[name] = cluster
        }
      case "users":
        guard try json.beginArray() else { continue }
        while try json.nextElement() {
          let (name, user) = try named(&json, "user", User(), readUser)
          users[name] = user
        }
      case "contexts":
        guard try json.beginArray() else { continue }
        while try json.nextElement() {
          let (name, context) = try named(&json, "context", ("", ""), readContext)
          contexts[name] = context
        }
      default: break
      }
    }
  }

  private func named<Value>(
    _ json: inout JSONReader, _ member: String, _ empty: Value,
    _ read: (inout JSONReader) throws(JSONSyntaxError) -> Value
  ) throws(JSONSyntaxError) -> (String, Value) {
    var (name, value) = ("", empty)
    guard try json.beginObject() else { return (name, value) }
    while let key = try json.nextKey() {
      if key == "name" { name = try json.string() ?? "" }
      if key == member { value = try read(&json) }
    }
    return (name, value)
  }

  private func readContext(_ json: inout JSONReader) throws(JSONSyntaxError) -> (String, String) {
    var (cluster, user) = ("", "")
    guard try json.beginObject() else { return (cluster, user) }
    while let key = try json.nextKey() {
      if key == "cluster" { cluster = try json.string() ?? "" }
      if key == "user" { user = try json.string() ?? "" }
    }
    return (cluster, user)
  }

  private func readCluster(_ json: inout JSONReader) throws(JSONSyntaxError) -> Cluster {
    var cluster = Cluster()
    guard try json.beginObject() else { return cluster }
    while let key = try json.nextKey() {
      switch key {
      case "server": cluster.server = try json.string() ?? ""
      case "certificate-authority": try keep(&cluster.authority, file(&json))
      case "certificate-authority-data": cluster.authority = try data(&json) ?? cluster.authority
      case "insecure-skip-tls-verify": if try json.bool() == true { cluster.refused = key }
      case "proxy-url", "tls-server-name": if try json.string()?.isEmpty == false { cluster.refused = key }
      default: break
      }
    }
    return cluster
  }

  private func readUser(_ json: inout JSONReader) throws(JSONSyntaxError) -> User {
    var user = User()
    guard try json.beginObject() else { return user }
    while let key = try json.nextKey() {
      switch key {
      case "client-certificate": try keep(&user.certificate, file(&json))
      case "client-certificate-data": user.certificate = try data(&json) ?? user.certificate
      case "client-key": try keep(&user.key, file(&json))
      case "client-key-data": user.key = try data(&json) ?? user.key
      case "token": try keep(&user.token, text(&json))
      // The file is renewed, the token in the kubeconfig is not.
      case "tokenFile": user.token = try file(&json) ?? user.token
      case "exec", "auth-provider", "username", "as": if try !json.null() { user.refused = key }
      default: break
      }
    }
    return user
  }

  /// Data takes precedence over a file, in any order, as in kubectl.
  private func keep(_ source: inout ConnectionConfiguration.Source?, _ other: ConnectionConfiguration.Source?) {
    source = source ?? other
  }

  private func text(_ json: inout JSONReader) throws(JSONSyntaxError) -> ConnectionConfiguration.Source? {
    guard let text = try json.string(), !text.isEmpty else { return nil }
    return .inline(Array(text.utf8))
  }

  private func file(_ json: inout JSONReader) throws(JSONSyntaxError) -> ConnectionConfiguration.Source? {
    guard let path = try json.string(), !path.isEmpty else { return nil }
    return .file(path.hasPrefix("/") ? path : "\(directory)/\(path)")
  }

  private func data(_ json: inout JSONReader) throws(JSONSyntaxError) -> ConnectionConfiguration.Source? {
    guard let text = try json.string(), !text.isEmpty else { return nil }
    // Text that is not base 64 is passed on unchanged: the TLS library then reports that it cannot use it.
    return .inline(Base64.decode(text) ?? Array(text.utf8))
  }
}

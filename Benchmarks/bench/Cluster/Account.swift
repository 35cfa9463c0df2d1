import LinuxSystem

/// A service account of `daemonset/`. A program with its token has exactly the rights of its pods.
enum Account {
  /// Writes a token into a file and returns the file's path. Blocks.
  static func token(_ account: String, in cluster: BenchCluster) throws -> String {
    let request = cluster.directory + "/token-request.json"
    let body = #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":86400}}"#
    try Files.writeDurably(Array(body.utf8), to: request)
    let path = "/api/v1/namespaces/elastic-local/serviceaccounts/\(account)/token"
    let reply = try cluster.kubectl("create", "--raw", path, "-f", request)
    guard let token = try JSONMembers.read(Array(reply.utf8), ["status.token"])["status.token"] else {
      throw NotMeasured("no token for account \(account): \(reply)")
    }
    let file = "\(cluster.directory)/\(account).token"
    try Files.writeDurably(Array(token.utf8), to: file)
    return file
  }
}

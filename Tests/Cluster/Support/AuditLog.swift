import LinuxSystem
import Testing

/// What the API server has written about the product's requests.
enum AuditLog {
  struct Request: Hashable, CustomStringConvertible {
    let account: String
    /// The verb and what it is for, as in `patch volumes.k8s.elastic.co/nodestorages/status`.
    let right: String
    /// Namespace and name.
    let object: String

    var description: String { "\(account) \(right) \(object)" }
  }

  /// All requests of our programs, in the order of time. Requests of tests that try with our tokens what our programs never
  /// ask do not count.
  static func requests() throws -> [(request: Request, isAllowed: Bool)] {
    let output = try Cluster.path("requests")
    try Cluster.shell(
      #"""
      jq -r --arg prefix 'system:serviceaccount:\#(Product.namespace):' '
        .annotations["authorization.k8s.io/decision"] as $decision
        | select($decision and .objectRef.resource and ((.userAgent // "") | startswith("elastic-local/"))
            and (.user.username | startswith($prefix)))
        | "\($decision),\(.user.username[($prefix | length):]),\(.verb),\(.objectRef.apiGroup // "")/\(.objectRef.resource)"
          + (if .objectRef.subresource then "/\(.objectRef.subresource)" else "" end)
          + ",\(.objectRef.namespace // "")/\(.objectRef.name // "")"
      ' '\#(try Cluster.path("logs/audit.log"))' >'\#(output)'
      """#)
    let text = String(decoding: try Files.readAll(output, limit: 256 << 20), as: UTF8.self)
    return text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count == 5 else { return nil }
      let request = Request(account: String(fields[1]), right: "\(fields[2]) \(fields[3])", object: String(fields[4]))
      return (request, fields[0] == "allow")
    }
  }
}

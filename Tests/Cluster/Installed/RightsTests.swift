import LinuxSystem
import Testing

/// Whether the rights of our two accounts are the least that do.
///
/// The API server's audit log has all requests of the other tests, so these run after all of them.
@Suite("The rights of the product's accounts", .serialized, .node, .afterAllOthers)
struct RightsTests {
  private static let accounts = ["elastic-local-node", "elastic-local-provisioner"]
  private static let kinds = ["clusterrole", "role"]

  /// An API server that has just begun serves before its authorizer has read the roles (Kubernetes 1.20 and 1.36), and refuses
  /// what it allows a moment later. So the last answer to a request counts.
  @Test("no request of ours was refused in the end")
  func nothingRefused() throws {
    let requests = try AuditLog.requests()
    var last: [AuditLog.Request: Bool] = [:]
    for (request, isAllowed) in requests { last[request] = isAllowed }
    let refused = last.filter { !$0.value }.map { "\($0.key)" }.sorted()
    #expect(refused.isEmpty, "refused: \(refused.joined(separator: "; "))")
  }

  @Test("each right was used, and no other right gives the same: taken away alone, it is gone")
  func eachIsNeeded() throws {
    let used = Set(try AuditLog.requests().filter(\.isAllowed).map { "\($0.request.account) \($0.request.right)" })
    try Self.takeAwayRightsForPools(used)
    for account in Self.accounts {
      for kind in Self.kinds {
        let role = try Role(kind, of: account)
        try #require(!role.rights.isEmpty, "\(kind) \(account) gives nothing")
        for right in role.rights {
          #expect(used.contains("\(account) \(right.verb) \(right.object)"), "\(account): \(right) was never used")
          try role.replace(without: right)
          #expect(try eventually(seconds: 30) { try !Self.may(account, right) }, "\(account): \(right) is given twice")
        }
        try role.restore()
        for right in role.rights {
          #expect(
            try eventually(seconds: 30) { try Self.may(account, right) }, "\(account): \(right) did not come back")
        }
      }
    }
  }

  /// Some of the rights for pools are those that the provisioner has anyway. So each must have been used, and all are taken away
  /// before the others are looked at.
  private static func takeAwayRightsForPools(_ used: Set<String>) throws {
    let name = "elastic-local-pools"
    let role = try Role("clusterrole", of: name)
    try #require(!role.rights.isEmpty, "clusterrole \(name) gives nothing")
    // Where the API server knows no such policy, its binding is not asked for.
    let rights = role.rights.filter { Cluster.minor >= 30 || $0.resource != "validatingadmissionpolicybindings" }
    for right in rights {
      #expect(
        used.contains("elastic-local-provisioner \(right.verb) \(right.object)"), "\(name): \(right) was never used")
    }
    try Cluster.kubectl("delete", "clusterrolebinding,clusterrole", name)
  }

  private static func may(_ account: String, _ right: Role.Right) throws -> Bool {
    let (object, subresource) = (right.resource.split(separator: "/"), right.resource.contains("/"))
    let group = right.group.isEmpty ? "" : ".\(right.group)"
    let answer = try Cluster.shell(
      """
      kubectl auth can-i \(right.verb) '\(object[0])\(group)\(right.name.map { "/\($0)" } ?? "")' \
        \(subresource ? "--subresource=\(object[1])" : "") --namespace \(Product.namespace) \
        --as system:serviceaccount:\(Product.namespace):\(account) 2>/dev/null || true
      """)
    return answer.hasPrefix("yes")
  }
}

/// A role of the product, rule by rule.
private struct Role {
  private let kind: String
  private let account: String
  private let file: String
  let rights: [Right]

  struct Right: CustomStringConvertible {
    let verb: String
    let group: String
    /// With a subresource, as in `nodestorages/status`.
    let resource: String
    /// Of the only object that it is for.
    let name: String?
    /// Of the rule in the role.
    let index: Int

    /// As the audit log has it.
    var object: String { "\(group)/\(resource)" }
    var description: String { "\(verb) \(object)" + (name.map { " \($0)" } ?? "") }
  }

  init(_ kind: String, of account: String) throws {
    (self.kind, self.account) = (kind, account)
    file = try Cluster.path("role.json")
    try Cluster.shell(
      """
      kubectl get \(kind) \(account) --namespace \(Product.namespace) -o json |
        jq 'del(.metadata.resourceVersion, .metadata.uid, .metadata.managedFields)' >'\(file)'
      """)
    let lines = try Cluster.shell(
      #"""
      jq -r '.rules | to_entries[] | .key as $index | .value
        | .apiGroups[] as $group | .resources[] as $resource | .verbs[] as $verb | (.resourceNames // [""])[] as $name
        | "\($verb),\($group),\($resource),\($name),\($index)"' '\#(file)'
      """#)
    rights = lines.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 5, let index = Int(fields[4]) else { return nil }
      return Right(
        verb: fields[0], group: fields[1], resource: fields[2], name: fields[3].isEmpty ? nil : fields[3], index: index)
    }
  }

  func replace(without right: Right) throws {
    try Cluster.shell(
      """
      jq '.rules[\(right.index)].verbs -= ["\(right.verb)"] | .rules |= map(select(.verbs != []))' '\(file)' |
        kubectl replace -f - >/dev/null
      """)
  }

  func restore() throws { try Cluster.shell("kubectl replace -f '\(file)' >/dev/null") }
}

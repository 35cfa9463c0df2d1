import LinuxSystem
import Testing

/// One of the product's accounts, and somebody who has its token.
struct Account {
  let name: String
  let token: String

  /// With a token as the account's pods have it, bound to one of them.
  init(_ name: String, component: String) throws {
    let pod = try #require(Product.pods(component).first)
    let uid = try Cluster.kubectl(
      "get", "pod", pod, "--namespace", Product.namespace, "-o", "jsonpath={.metadata.uid}")
    let bound = #"{"apiVersion":"v1","kind":"Pod","name":"\#(pod)","uid":"\#(uid)"}"#
    try self.init(name, specification: #"{"boundObjectRef":\#(bound)}"#)
  }

  /// With a token that is bound to no pod, for a program that runs as a process.
  ///
  /// - Parameter specification: the `spec` of a TokenRequest, in JSON.
  init(_ name: String, specification: String = "{}") throws {
    self.name = name
    let request = try Cluster.path("token-request.json")
    let text = #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":\#(specification)}"#
    try Files.writeDurably(Array(text.utf8), to: request, mode: 0o600)
    let reply = try Cluster.kubectl(
      "create", "--raw", "/api/v1/namespaces/\(Product.namespace)/serviceaccounts/\(name)/token", "-f", request)
    let words = reply.split(separator: "\"")
    // The managed fields can name a subresource "token" as well.
    let index = try #require(words.indices.dropLast(2).first { words[$0] == "token" && words[$0 + 1] == ":" })
    token = String(words[index + 2])
  }

  /// What became of a request.
  struct Attempt {
    let isAllowed: Bool
    let output: String
    /// Refused for want of a right, by RBAC or a policy.
    var isForbidden: Bool { !isAllowed && output.contains("orbidden") }
  }

  /// Merges a body into the status of an object. kubectl has no word for that before 1.24.
  func patchStatus(_ path: String, _ body: String) throws -> Attempt {
    let environment = OwnProcess.environment
    let server = try #require(environment["CLUSTER_SERVER"])
    let authority = try #require(environment["CLUSTER_CA"])
    let result = try ChildProcess.run(
      "/usr/bin/env",
      [
        "curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--cacert", authority, "--header",
        "Authorization: Bearer \(token)", "--header", "Content-Type: application/merge-patch+json", "--request",
        "PATCH",
        "--data", body, "\(server)\(path)/status",
      ], environment: environment.map { "\($0.key)=\($0.value)" }, deadline: .seconds(60))
    return Attempt(isAllowed: result.isSuccess, output: result.output)
  }

  /// Runs kubectl with the token and nothing else.
  func attempt(_ arguments: String...) throws -> Attempt {
    let environment = OwnProcess.environment
    let server = try #require(environment["CLUSTER_SERVER"])
    let authority = try #require(environment["CLUSTER_CA"])
    let connection = [
      "kubectl", "--kubeconfig=/dev/null", "--server=\(server)", "--certificate-authority=\(authority)",
      "--token=\(token)",
    ]
    let result = try ChildProcess.run(
      "/usr/bin/env", connection + arguments, environment: environment.map { "\($0.key)=\($0.value)" },
      deadline: .seconds(60))
    return Attempt(isAllowed: result.isSuccess, output: result.output)
  }
}

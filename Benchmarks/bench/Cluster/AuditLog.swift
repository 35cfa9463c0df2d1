import KubernetesAPI
import LinuxSystem

/// The API server's log of the requests that it has answered.
enum AuditLog {
  struct Request {
    let who: Who
    let verb: String
    /// With the subresource: `pods/binding`.
    let resource: String
    /// Without the subresource.
    var kind: String { String(resource.prefix { $0 != "/" }) }
    let name: String
    let uid: String
    let isSuccess: Bool
    let received, answered: Timestamp
  }

  enum Who: Equatable {
    case provisioner, daemon, benchmark, scheduler, kubelet, apiserver, controllers

    init(user: String) {
      switch user {
      case "system:serviceaccount:elastic-local:elastic-local-provisioner": self = .provisioner
      case "system:serviceaccount:elastic-local:elastic-local-node": self = .daemon
      case "admin": self = .benchmark
      case "system:kube-scheduler": self = .scheduler
      case "system:apiserver": self = .apiserver
      default: self = user.hasPrefix("system:node:") ? .kubelet : .controllers
      }
    }

    var isOurs: Bool { self == .provisioner || self == .daemon }
    var isKubernetes: Bool { self == .scheduler || self == .controllers }
  }

  /// Reads a log of audit.k8s.io/v1, in its order. Blocks.
  static func read(_ path: String) throws -> [Request] {
    let bytes = try Files.readAll(path, limit: 4 << 30)
    return try bytes.split(separator: UInt8(ascii: "\n")).compactMap { try request(Array($0)) }
  }

  private static let members: Set = [
    "stage", "user.username", "verb", "objectRef.resource", "objectRef.subresource", "objectRef.name", "objectRef.uid",
    "responseStatus.code", "requestReceivedTimestamp", "stageTimestamp",
  ]

  private static func request(_ line: [UInt8]) throws -> Request? {
    let event = try JSONMembers.read(line, members)
    guard event["stage"] == "ResponseComplete", let user = event["user.username"], let verb = event["verb"],
      let received = event["requestReceivedTimestamp"].flatMap({ Timestamp(rfc3339: $0) }),
      let answered = event["stageTimestamp"].flatMap({ Timestamp(rfc3339: $0) })
    else { return nil }
    let subresource = event["objectRef.subresource"].map { "/" + $0 } ?? ""
    return Request(
      who: Who(user: user), verb: verb, resource: (event["objectRef.resource"] ?? "discovery") + subresource,
      name: event["objectRef.name"] ?? "", uid: event["objectRef.uid"] ?? "",
      isSuccess: event["responseStatus.code"].flatMap { Int($0) }.map { $0 < 300 } ?? false, received: received,
      answered: answered)
  }
}

extension [AuditLog.Request] {
  /// The requests that arrived between two times.
  func between(_ from: Timestamp, _ to: Timestamp) -> [AuditLog.Request] {
    filter { $0.received >= from && $0.received < to }
  }
}

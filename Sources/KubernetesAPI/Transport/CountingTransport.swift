internal import Synchronization

/// Counts all requests, retries too, each when the head of its reply has arrived.
package final class CountingTransport: APITransport {
  private let transport: any APITransport
  private let state = Mutex<[RequestKind: Int]>([:])

  package init(_ transport: any APITransport) { self.transport = transport }

  package var counts: [RequestKind: Int] { state.withLock { $0 } }

  package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply {
    do throws(TransportError) {
      let reply = try await transport.send(request)
      count(RequestKind(request, code: reply.head.status))
      return reply
    } catch {
      count(RequestKind(request, code: nil))
      throw error
    }
  }

  private func count(_ kind: RequestKind) { state.withLock { $0[kind, default: 0] += 1 } }
}

/// The verb, resource and result of a request, in the words of the API server's own metrics and audit log. The number
/// of kinds is bounded, and a kind contains no object's name.
package struct RequestKind: Hashable, Sendable {
  /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
  package let verb: String
  /// The plural, followed by the subresource: `persistentvolumeclaims/status`. Empty for discovery.
  package let resource: String
  /// The HTTP status; nil when there was no reply.
  package let code: Int?

  init(_ request: HTTPRequest, code: Int?) {
    let parts = request.path.split(separator: "?", maxSplits: 1)
    var words = parts[0].split(separator: "/")[...]
    // `api/v1` or `apis/GROUP/VERSION`, then `namespaces/NAME` if the object has one, then resource, name, subresource.
    words = words.dropFirst(words.first == "api" ? 2 : 3)
    if words.count >= 3, words.first == "namespaces" { words = words.dropFirst(2) }
    let path = Array(words)
    resource = path.isEmpty ? "" : path.count < 3 ? "\(path[0])" : "\(path[0])/\(path[2])"
    let isWatch = parts.count > 1 && parts[1].split(separator: "&").contains("watch=1")
    verb = Self.verb(request.method, isCollection: path.count == 1, isWatch: isWatch)
    self.code = code
  }

  private static func verb(_ method: String, isCollection: Bool, isWatch: Bool) -> String {
    switch method {
    case "GET": isWatch ? "watch" : isCollection ? "list" : "get"
    case "POST": "create"
    case "PUT": "update"
    default: method.lowercased()
    }
  }
}

extension RequestKind: Comparable {
  package static func < (one: Self, other: Self) -> Bool {
    (one.resource, one.verb, one.code ?? 0) < (other.resource, other.verb, other.code ?? 0)
  }
}

/// A request to the API server.
package struct HTTPRequest: Sendable {
  package var method: String
  /// Path and query, percent-encoded: `/api/v1/nodes?limit=500`.
  package var path: String
  package var contentType: String?
  package var body: [UInt8]?
  /// The limit for the whole request, from the connection to the last byte; nil for a watch.
  package var timeout: Duration?
  /// The longest time without a byte while waiting for or reading a reply; whole seconds.
  package var idleTimeout: Duration

  package init(
    method: String = "GET", path: String, contentType: String? = nil, body: [UInt8]? = nil,
    timeout: Duration? = .seconds(30), idleTimeout: Duration = .seconds(30)
  ) {
    self.method = method
    self.path = path
    self.contentType = contentType
    self.body = body
    self.timeout = timeout
    self.idleTimeout = idleTimeout
  }
}

/// The head of a reply.
package struct HTTPHead: Sendable, Hashable {
  package var status: Int
  /// Names in lower case.
  package var fields: [String: String]

  package init(status: Int, fields: [String: String] = [:]) {
    self.status = status
    self.fields = fields
  }
}

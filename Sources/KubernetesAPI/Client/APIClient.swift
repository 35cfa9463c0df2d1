package import JSON

/// The API server's verbs, with typed errors, and with retries where they are safe. All throw ``APIError``.
///
/// Reads are retried on 429, 5xx and broken connections. Writes are retried only if the first request was certainly not
/// carried out. The error of a write that may have been carried out has ``APIError/mayHaveHappened``. Its caller must
/// then read the object and compare it with a mark of its own, because a repeated create would fail with
/// `alreadyExists` for the caller's own object.
package struct APIClient: Sendable {
  package let transport: any APITransport
  package let time: any Timekeeper
  package let serverClock: ServerClock
  let retry: RetryPolicy
  /// The time limit of a request that is not a watch.
  let timeout: Duration

  /// The longest reply to a request that is neither list nor watch, in bytes.
  static let replyLimit = 32 << 20

  /// The longest object in bytes. In etcd an object has at most 1.5 MiB (`--max-request-bytes`). As JSON a character
  /// can take six times as many bytes (`\u003c`), and a user can fill an object with such characters.
  static let objectLimit = 16 << 20

  package init(
    _ transport: any APITransport, time: any Timekeeper = SystemTimekeeper(), retry: RetryPolicy = RetryPolicy(),
    timeout: Duration = .seconds(60)
  ) {
    self.transport = transport
    self.time = time
    serverClock = ServerClock(time)
    self.retry = retry
    self.timeout = timeout
  }
}

extension APIClient {
  /// Reads an object by its name. Throws `notFound` when it does not exist.
  package func get<Object: APIObject>(
    _ type: Object.Type = Object.self, _ key: ObjectKey, as resource: APIResource = Object.resource
  ) async throws(APIError) -> Object {
    try decode(await call(HTTPRequest(path: APIPath(resource, key).text), .always))
  }

  /// Creates an object and returns it as the server has stored it.
  package func create<Object: WritableObject>(
    _ object: Object, as resource: APIResource = Object.resource
  ) async throws(APIError) -> Object {
    try decode(await create(object.json(as: resource), in: object.metadata.namespace, as: resource))
  }

  /// Creates an object from any body and returns the server's reply.
  @discardableResult
  package func create(
    _ body: JSONValue, in namespace: String = "", as resource: APIResource
  ) async throws(APIError) -> [UInt8] {
    let path = APIPath(resource, namespace: namespace).text
    return try await call(
      HTTPRequest(method: "POST", path: path, contentType: "application/json", body: body.encoded), .ifNotCarriedOut)
  }

  /// Replaces a whole object. Throws `conflict` if its `resourceVersion` has changed. Use it only for
  /// objects that are read with all their fields: fields that reading drops would be lost.
  package func replace<Object: WritableObject>(
    _ object: Object, as resource: APIResource = Object.resource
  ) async throws(APIError) -> Object {
    let path = APIPath(resource, object.metadata.key).text
    let body = object.json(as: resource).encoded
    return try decode(
      await call(
        HTTPRequest(method: "PUT", path: path, contentType: "application/json", body: body), .ifNotCarriedOut))
  }

  /// Changes part of an object, or of its status with `subresource: "status"`.
  package func patch<Object: APIObject>(
    _ type: Object.Type = Object.self, _ key: ObjectKey, _ patch: Patch, subresource: String? = nil,
    as resource: APIResource = Object.resource
  ) async throws(APIError) -> Object {
    let path = APIPath(resource, key, subresource: subresource).text
    return try decode(
      await call(
        HTTPRequest(method: "PATCH", path: path, contentType: patch.contentType, body: patch.body), .ifNotCarriedOut))
  }

  /// Deletes an object. Throws `conflict` if it has another UID or resource version than given. The object exists until
  /// its finalizers are removed.
  ///
  /// - Parameter propagation: how the objects that it owns are deleted: `Foreground`, `Background` or `Orphan`. Nil leaves that to
  ///   the API server's default for the kind. The default for a Job is `Orphan`.
  package func delete(
    _ resource: APIResource, _ key: ObjectKey, uid: String, resourceVersion: String? = nil, propagation: String? = nil
  ) async throws(APIError) {
    let preconditions: JSONValue = .members([
      "uid": text(uid), "resourceVersion": resourceVersion.map { .string($0) },
    ])
    let body: JSONValue = .members([
      "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions,
      "propagationPolicy": propagation.map { .string($0) },
    ])
    _ = try await call(
      HTTPRequest(
        method: "DELETE", path: APIPath(resource, key).text, contentType: "application/json", body: body.encoded),
      .ifNotCarriedOut)
  }
}

extension APIClient {
  /// Sends a request, with retries, until there is a final answer. Returns the body of a successful reply.
  func call(_ request: HTTPRequest, _ repeatability: RetryPolicy.Repeatability) async throws(APIError) -> [UInt8] {
    try await call(request, repeatability) { body throws(TransportError) in
      try await body.collect(limit: Self.replyLimit)
    }
  }

  /// Sends a request, with retries, until there is a final answer. Returns the result of `read` for the body of a
  /// successful reply. `read` is called again if a reply was interrupted.
  func call<Value>(
    _ request: HTTPRequest, _ repeatability: RetryPolicy.Repeatability,
    read: (any HTTPBody) async throws(TransportError) -> Value
  ) async throws(APIError) -> Value {
    var attempt = 1
    while true {
      do throws(APIError) {
        return try await once(request, read)
      } catch {
        guard let wait = retry.wait(after: error, attempt: attempt, repeatability) else {
          throw error.during("\(request.method) \(request.path.prefix { $0 != "?" })")
        }
        attempt += 1
        do throws(CancellationError) { try await time.sleep(for: time.jittered(wait)) } catch { throw Self.cancelled }
      }
    }
  }

  private static let cancelled = APIError(.cancelled, "cancelled")

  private func once<Value>(
    _ request: HTTPRequest, _ read: (any HTTPBody) async throws(TransportError) -> Value
  ) async throws(APIError) -> Value {
    var request = request
    request.timeout = min(request.timeout ?? timeout, timeout)
    let reply = try await open(request)
    do throws(TransportError) {
      return try await read(reply.body)
    } catch {
      throw APIError(error)
    }
  }

  /// Sends a request and returns a successful reply before its body has arrived.
  func open(_ request: HTTPRequest) async throws(APIError) -> HTTPReply {
    let reply: HTTPReply
    let body: [UInt8]
    do throws(TransportError) {
      reply = try await transport.send(request)
      serverClock.record(reply.head)
      if (200..<300).contains(reply.head.status) { return reply }
      // The text of an error is short.
      body = try await reply.body.collect(limit: 1 << 20)
    } catch {
      throw APIError(error)
    }
    throw APIError(reply.head, body, now: time.wallClock)
  }

  func decode<Object: APIObject>(_ body: [UInt8]) throws(APIError) -> Object {
    do throws(JSONSyntaxError) {
      var json = JSONReader(body)
      return try Object(json: &json)
    } catch {
      var failure = APIError(.malformed, "the API server's reply is \(error)")
      failure.mayHaveHappened = true
      throw failure
    }
  }
}

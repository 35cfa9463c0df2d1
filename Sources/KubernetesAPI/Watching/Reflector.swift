internal import JSON
internal import Synchronization

/// A copy of a collection of the API server, with a part of each object.
package protocol CollectionCopy<Value>: Sendable {
  associatedtype Value: Sendable

  /// Whether the first list is complete. Stays true while the server does not answer.
  var isSynced: Bool { get }
  var count: Int { get }
  var values: [Value] { get }
  func value(_ key: ObjectKey) -> Value?

  /// Follows the collection until the task is cancelled. Call once.
  ///
  /// - Parameter deliver: called for each change, one after the other, after the copy contains it. While it runs
  ///   nothing more is read, so it should pass long work on.
  func run(_ deliver: @Sendable (Change<Value>) async -> Void) async
}

/// A copy of a collection of the API server that stays up to date: list, watch, and list again after a watch was lost.
///
/// It stores the value that `keep` returns for each object. An object for which `keep` returns nil takes no memory. If
/// it was stored before, its removal is delivered.
package final class Reflector<Object: APIObject, Value: Sendable>: CollectionCopy {
  private let client: APIClient
  private let selection: Selection
  private let resource: APIResource
  private let keep: @Sendable (Object) -> Value?
  private let report: @Sendable (APIError, Duration) -> Void
  private let onChange: @Sendable (Change<Value>) -> Void
  private let state = Mutex(State())

  private struct State {
    var store = ObjectStore<Value>()
    var isSynced = false
  }

  /// The longest line of a watch in bytes: an object and a few words.
  private static var lineLimit: Int { APIClient.objectLimit + 1024 }

  /// - Parameters:
  /// - report: called after each failure, with the time until the next attempt; for the log.
  /// - onChange: called for each change in the same step in which the copy changes. It must not read the copy.
  /// - keep: called for each object, on the task that runs the reflector.
  package init(
    _ client: APIClient, _ selection: Selection = .all, as resource: APIResource = Object.resource,
    report: @escaping @Sendable (APIError, Duration) -> Void = { _, _ in },
    onChange: @escaping @Sendable (Change<Value>) -> Void = { _ in },
    keep: @escaping @Sendable (Object) -> Value?
  ) {
    self.client = client
    self.selection = selection
    self.resource = resource
    self.report = report
    self.onChange = onChange
    self.keep = keep
  }

  package var isSynced: Bool { state.withLock { $0.isSynced } }
  package var count: Int { state.withLock { $0.store.count } }
  package var values: [Value] { state.withLock { $0.store.values } }
  package func value(_ key: ObjectKey) -> Value? { state.withLock { $0.store[key] } }

  package func run(_ deliver: @Sendable (Change<Value>) async -> Void) async {
    var machine = ListWatch()
    let cache = DecodingCache()
    while !Task.isCancelled {
      var wish = Duration.zero
      do throws(APIError) {
        switch machine.action {
        case .list(let next): try await list(next, &machine, cache, deliver)
        case .watch(let version): try await watch(version, &machine, cache, deliver)
        }
      } catch {
        if error.kind == .cancelled { return }
        machine.failed(error)
        wish = min(error.retryAfter ?? .zero, client.retry.longestWait)
        report(error, max(machine.wait, wish))
      }
      guard await pause(max(machine.wait, wish)) else { return }
    }
  }

  private func pause(_ wait: Duration) async -> Bool {
    guard wait > .zero else { return true }
    do throws(CancellationError) {
      try await client.time.sleep(for: client.time.jittered(wait))
      return true
    } catch {
      return false
    }
  }
}

extension Reflector {
  private typealias Delivery = (Change<Value>) async -> Void

  private func list(
    _ next: String, _ machine: inout ListWatch, _ cache: DecodingCache, _ deliver: Delivery
  ) async throws(APIError) {
    if next.isEmpty {
      state.withLock { $0.store.beginList() }
      await deliver(.listing)
    }
    var changes: [Change<Value>] = []
    let page = try await client.page(selection, resource, next: next, cache: cache) { (object: Object) in
      changes += put(object)
    }
    if machine.received(page) {
      changes += change { state in
        state.isSynced = true
        return state.store.endList()
      }
      changes.append(.synced)
    }
    for change in changes { await deliver(change) }
  }

  private func put(_ object: Object) -> [Change<Value>] {
    let value = keep(object)
    return change { $0.store.put(object.metadata, value) }
  }

  private func change(_ body: (inout State) -> [Change<Value>]) -> [Change<Value>] {
    state.withLock { state in
      let changes = body(&state)
      for change in changes { onChange(change) }
      return changes
    }
  }

  private func watch(
    _ version: String, _ machine: inout ListWatch, _ cache: DecodingCache, _ deliver: Delivery
  ) async throws(APIError) {
    let reply = try await open(request(version))
    var splitter = LineSplitter(limit: Self.lineLimit)
    var wasOfUse = false
    reading: while true {
      switch try await next(reply.body) {
      case .bytes(let piece):
        for line in try lines(&splitter, piece) {
          try await handle(try event(line, cache), &machine, deliver)
          wasOfUse = true
        }
      case .silence:
        wasOfUse = true
        break reading
      case .end: break reading
      }
    }
    machine.ended(wasOfUse: wasOfUse)
  }

  private func handle(
    _ event: WatchEvent<Object>, _ machine: inout ListWatch, _ deliver: Delivery
  ) async throws(APIError) {
    var changes: [Change<Value>] = []
    switch event {
    case .changed(let object):
      changes = put(object)
      machine.received(resourceVersion: object.metadata.resourceVersion)
    case .deleted(let object):
      changes = change { $0.store.remove(object.metadata.key) }
      machine.received(resourceVersion: object.metadata.resourceVersion)
    case .bookmark(let version): machine.received(resourceVersion: version)
    case .error(let error): throw error.during("watching \(resource.name)")
    case .unknown: break
    }
    for change in changes { await deliver(change) }
  }

  /// The watch ends after five to ten minutes, at random, so that many watches do not end together. The server sends a
  /// bookmark each minute. If none arrives, the watch may be dead.
  private func request(_ version: String) -> HTTPRequest {
    var path = selection.path(resource)
    path.query("watch", "1")
    path.query("allowWatchBookmarks", "true")
    path.query("resourceVersion", version)
    path.query("timeoutSeconds", String(300 + Int(client.time.random() * 300)))
    return HTTPRequest(path: path.text, timeout: nil, idleTimeout: .seconds(150))
  }

  private func open(_ request: HTTPRequest) async throws(APIError) -> HTTPReply {
    do throws(APIError) {
      return try await client.open(request)
    } catch {
      throw error.during("watching \(resource.name)")
    }
  }

  private enum Piece {
    case bytes([UInt8])
    case end
    /// No data within the idle time of the request. This ends a watch and is not a failure: an API server sends no
    /// bookmarks of a collection in which nothing has changed since the server started (1.20, `Cacher.dispatchEvents`).
    /// If the server is gone, the next request fails.
    case silence
  }

  private func next(_ body: any HTTPBody) async throws(APIError) -> Piece {
    do throws(TransportError) {
      return try await body.next().map(Piece.bytes) ?? .end
    } catch {
      if error.kind == .timedOut { return .silence }
      throw APIError(error).during("watching \(resource.name)")
    }
  }

  private func lines(_ splitter: inout LineSplitter, _ piece: [UInt8]) throws(APIError) -> [[UInt8]] {
    do throws(LineSplitter.TooLong) {
      return try splitter.append(piece)
    } catch {
      throw APIError(.malformed, "watching \(resource.name): an event is longer than \(error.limit) bytes")
    }
  }

  private func event(_ line: [UInt8], _ cache: DecodingCache) throws(APIError) -> WatchEvent<Object> {
    do throws(JSONSyntaxError) {
      return try WatchEvent(line, cache: cache)
    } catch {
      throw APIError(.malformed, "watching \(resource.name): an event is \(error)")
    }
  }
}

internal import JSON
internal import Synchronization

/// A copy of a collection of the API server, whatever is kept of its objects.
package protocol CollectionCopy<Value>: Sendable {
  associatedtype Value: Sendable

  /// Whether a whole list has been seen. Stays true while the server is away.
  var isSynced: Bool { get }
  var count: Int { get }
  var values: [Value] { get }
  func value(_ key: ObjectKey) -> Value?

  /// Follows the collection until the task is cancelled. Call once.
  ///
  /// - Parameter deliver: told of each change, one after the other, when the copy has it. While it works nothing more
  ///   is read: it should hand over what takes long.
  func run(_ deliver: @Sendable (Change<Value>) async -> Void) async
}

/// A copy of a collection of the API server that follows it: list, watch, and list again when the watch was lost.
///
/// What is kept is what `keep` makes of an object: nil for one that is of no interest, which then costs no memory. An
/// object that loses its interest is delivered as removed.
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

  /// The longest line of a watch: an object and a few words.
  private static var lineLimit: Int { APIClient.objectLimit + 1024 }

  /// - Parameters:
  ///   - report: told of each failure and of the wait that follows, for the log.
  ///   - onChange: told of each change in the same step in which the copy changes. It must not read the copy.
  ///   - keep: called for each object that comes, on the task that runs the reflector.
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

  /// Ends after five to ten minutes, so that many watches do not end together; a watch may be dead when not even the
  /// bookmark came that the server sends each minute.
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
    /// Nothing for as long as the request allows. It ends a watch, and is no failure: an API server sends no bookmarks of a
    /// collection in which nothing has changed since it was started (1.20, `Cacher.dispatchEvents`). If it is gone, the
    /// next request says so.
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

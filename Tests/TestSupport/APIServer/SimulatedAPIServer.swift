package import JSON
package import KubernetesAPI
internal import LinuxSystem
internal import StorageModel
internal import Synchronization

/// An API server in memory, behind the same seam as a real one: what a controller's tests need and what they must not be
/// spared. It keeps the rules of a real server that our programs depend on (`TestSupportTests` names each): resource versions,
/// preconditions, pages, watches, finalizers, the status subresource, garbage collection. And it fails as one can
/// (``Faults``): answers that are lost, requests that are late, watches that end, fall behind or expire.
///
/// It authenticates nobody, admits everything, and fills in no defaults. ``undisturbed`` is for whoever shall not meet the
/// faults.
package final class SimulatedAPIServer: APITransport {
  let time: any Timekeeper
  private let state: Mutex<State>

  struct State {
    var database = ObjectDatabase()
    var served: [ServedResource]
    var faults: Faults
    var log: [String] = []
    /// The rest of lists whose pages were not all asked for, by the token for the next page.
    var pages: [String: Page] = [:]
    var watches: [Int: Watch] = [:]
    /// How far watches may see; nil for as far as there is anything.
    var shown: Int?
    /// The same for the watches of one kind, by its group and plural.
    var shownOf: [String: Int] = [:]
    /// Requests whose answers were lost and that are still to be carried out.
    var late: [LateRequest] = []
    /// What acts in the same step as a change, and how far it has seen.
    var controllers: [VolumeController: Int] = [:]
    /// Whether what loses its last owner goes at once, instead of with ``SimulatedAPIServer/collectGarbage()``.
    var collectsGarbage = true
    var count = 0
    var audit: (@Sendable (AuditedChange) -> Void)?
    /// How far the audit has seen.
    var audited = 0
    var clockSkew = Duration.zero
  }

  /// A change of an object as it was made: none is left out, whatever watches see.
  package struct AuditedChange: Sendable {
    /// The plural of the kind: `persistentvolumes`.
    package var resource: String
    /// Before; nil for an object that is new.
    package var old: JSONValue?
    /// After; for one that is gone its last state.
    package var new: JSONValue
    package var isGone: Bool
    /// Whether a request to the server made it, and neither one over ``undisturbed`` nor a test by hand.
    package var isRequested: Bool
  }

  struct Page {
    var version: Int
    var rest: [JSONValue]
  }

  package init(
    _ served: [ServedResource] = ServedResource.ours, faults: Faults = Faults(),
    time: any Timekeeper = SystemTimekeeper()
  ) {
    self.time = time
    state = Mutex(State(served: served, faults: faults))
  }

  // MARK: the wire

  package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply {
    if Task.isCancelled { throw TransportError(.cancelled, "cancelled") }
    state.withLock { $0.log.append("\(request.method) \(request.path)") }
    await travel(request)
    let result = try change(isRequested: true) { state throws(TransportError) in
      carryOutSomeLate(&state)
      let fate = state.faults.fate(of: request)
      switch fate {
      case .done:
        let answer = answer(request, &state)
        if case .error(let error) = answer, error.code == 404 { carryOutBehindMiss(request, &state) }
        return answer
      case .unreachable: throw TransportError(.unreachable, "connection refused")
      case .lostBefore: throw TransportError(.broken, "the connection broke")
      case .late, .lateBehindMiss:
        state.late.append(LateRequest(request: request, since: time.now, isBehindMiss: fate == .lateBehindMiss))
        throw TransportError(.timedOut, "no answer within 30 s")
      case .lostAfter:
        lose(request, &state)
        throw TransportError(.broken, "the connection broke")
      case .refused(let error): return .error(error)
      }
    }
    return reply(result)
  }

  /// A request that is on its way arrives, also when its client gives up.
  private func travel(_ request: HTTPRequest) async {
    let delay = state.withLock { $0.faults.delay }
    guard request.method != "GET", delay > .zero else { return }
    try? await Task.sleep(for: delay)  // cancelled: it arrives at once
  }

  /// The same server for whoever shall not meet its faults.
  package var undisturbed: any APITransport { Undisturbed(server: self) }

  private struct Undisturbed: APITransport {
    let server: SimulatedAPIServer

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply {
      if Task.isCancelled { throw TransportError(.cancelled, "cancelled") }
      return server.reply(server.change { state in server.answer(request, &state) })
    }
  }

  // MARK: what a test does to it

  package var faults: Faults {
    get { state.withLock { $0.faults } }
    set { state.withLock { $0.faults = newValue } }
  }

  /// Changes the faults while requests come: what they have used up stays so.
  package func changeFaults(_ body: (inout Faults) -> Void) { state.withLock { body(&$0.faults) } }

  /// The version of the last change.
  package var version: Int { state.withLock { $0.database.version } }

  /// Whether there are so many watches, and the reader of each has dealt with all that it may see and waits for more.
  package func isFollowed(by count: Int) -> Bool {
    state.withLock { state in
      state.watches.count == count && state.watches.values.allSatisfy { $0.sleeper != nil && !state.isReadable($0) }
    }
  }

  /// The requests so far, as `GET /api/v1/nodes`, without those over ``undisturbed``.
  package var requests: [String] { state.withLock { $0.log } }

  /// Has `body` told of each change from now on, in order and in the same step. It must not call the server.
  package func audit(_ body: @escaping @Sendable (AuditedChange) -> Void) {
    state.withLock { state in
      state.audit = body
      state.audited = state.database.version
    }
  }

  /// How far the clock of the server is ahead, as its replies say the time.
  package var clockSkew: Duration {
    get { state.withLock { $0.clockSkew } }
    set { state.withLock { $0.clockSkew = newValue } }
  }

  /// Watches see nothing more until ``showWatches(_:)``.
  package func holdWatches() { change { $0.shown = $0.shown ?? $0.database.version } }

  /// The watches of one kind see nothing more until ``showWatches(_:)``: they fall behind those of other kinds.
  package func holdWatches(of resource: APIResource) {
    change { state in
      let name = Self.name(resource)
      state.shownOf[name] = state.shownOf[name] ?? state.database.version
    }
  }

  /// Watches see so many more changes; nil for all, from now on.
  package func showWatches(_ count: Int? = nil) {
    change { state in
      state.shown = count.flatMap { count in state.shown.map { $0 + count } }
      state.shownOf = [:]
    }
  }

  /// Ends all watches in good order, or by a connection that breaks. What comes next is a new watch from the last version.
  package func endWatches(isBroken: Bool = false) {
    change { state in
      for id in state.watches.keys { state.watches[id]?.end = isBroken ? .broken : .orderly }
    }
  }

  /// Forgets the history: watches from before and pages of lists expire (410).
  package func compact() {
    change { state in
      state.database.compact()
      state.pages = [:]
      for id in state.watches.keys { state.watches[id]?.end = .orderly }
    }
  }

  /// Sends a bookmark to each watch that has asked for bookmarks, as a server does each minute.
  package func sendBookmarks() {
    change { state in
      for id in state.watches.keys where state.watches[id]?.wantsBookmarks == true {
        state.watches[id]?.isBookmarkDue = true
      }
    }
  }

  /// Whether what loses its last owner goes at once; if not, with ``collectGarbage()``.
  package func collectsGarbage(_ isAtOnce: Bool) { change { $0.collectsGarbage = isAtOnce } }

  package func collectGarbage() { change { [time] in $0.database.collectGarbage(at: time.wallClock) } }

  /// Changes an object by hand, its status too, as controllers of Kubernetes do it in several requests. Nothing where there
  /// is none.
  package func edit(_ resource: APIResource, _ key: ObjectKey, _ body: (inout JSONValue) -> Void) {
    change { state in
      let key = Self.databaseKey(resource, key)
      guard var object = try? state.database.object(key) else { return }
      body(&object)
      _ = try? state.database.replace(object, .init(served: ServedResource(resource), key: key))
    }
  }

  /// Creates an object by hand. Nothing where there is one of its name.
  package func add<Object: WritableObject>(_ object: Object) {
    change { [time] state in
      var key = Self.databaseKey(Object.resource, object.metadata.key)
      key.name = ""
      let target = ObjectDatabase.Target(served: ServedResource(Object.resource), key: key)
      _ = try? state.database.create(object.json(), target, at: time.wallClock)
    }
  }

  /// Deletes an object by hand, or begins to where it has finalizers. Nothing where there is none.
  package func remove(_ resource: APIResource, _ key: ObjectKey) {
    change { [time] state in
      _ = try? state.database.delete(
        Self.databaseKey(resource, key), uid: nil, resourceVersion: nil, at: time.wallClock)
    }
  }

  /// The objects of a kind, as they are now.
  package func objects<Object: APIObject>(
    _ type: Object.Type = Object.self, as resource: APIResource = Object.resource
  ) -> [Object] {
    let all = state.withLock { state -> [JSONValue] in
      guard let selector = try? Selector(labels: nil, fields: nil, of: ServedResource(resource)) else { return [] }
      return state.database.objects(of: Self.name(resource), in: "", selector)
    }
    return all.compactMap { object in
      var json = JSONReader(object.encoded)
      return try? Object(json: &json)
    }
  }

  // MARK: for the parts

  /// Does something to the state, and wakes the watches that have something to read then.
  @discardableResult
  func change<Value, Failure: Error>(
    isRequested: Bool = false, _ body: (inout State) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let (result, woken) = state.withLock { state -> (Result<Value, Failure>, [CheckedContinuation<Void, Never>]) in
      let result: Result<Value, Failure>
      do throws(Failure) { result = .success(try body(&state)) } catch { result = .failure(error) }
      state.tellAudit(isRequested: isRequested)
      state.letControllersAct()
      state.tellAudit(isRequested: false)
      return (result, state.takeSleepers())
    }
    for continuation in woken { continuation.resume() }
    return try result.get()
  }

  static func name(_ resource: APIResource) -> String { "\(resource.group)/\(resource.name)" }

  static func databaseKey(_ resource: APIResource, _ key: ObjectKey) -> ObjectDatabase.Key {
    ObjectDatabase.Key(resource: name(resource), namespace: key.namespace, name: key.name)
  }

  /// What becomes of a request that is carried out.
  enum Answer {
    case object(Int, JSONValue)
    case error(StatusError)
    case watch(Int)
  }

  private func reply(_ answer: Answer) -> HTTPReply {
    var fields = ["date": (time.wallClock + clockSkew).httpDate]
    switch answer {
    case .object(let code, let body):
      return HTTPReply(head: HTTPHead(status: code, fields: fields), body: WholeBody(body.encoded))
    case .watch(let id): return HTTPReply(head: HTTPHead(status: 200, fields: fields), body: WatchBody(self, id))
    case .error(let error):
      fields["retry-after"] = error.retryAfter.map { "\($0)" }
      return HTTPReply(head: HTTPHead(status: error.code, fields: fields), body: WholeBody(error.body.encoded))
    }
  }

  // MARK: the parts of a reply

  private final class WholeBody: HTTPBody {
    private let bytes: Mutex<[UInt8]?>

    init(_ bytes: [UInt8]) { self.bytes = Mutex(bytes) }

    func next() async throws(TransportError) -> [UInt8]? {
      bytes.withLock { bytes in
        defer { bytes = nil }
        return bytes
      }
    }
  }
}

extension SimulatedAPIServer.State {
  fileprivate mutating func tellAudit(isRequested: Bool) {
    guard let audit else { return }
    for change in database.changes(after: audited) {
      audit(
        .init(
          resource: String(change.key.resource.split(separator: "/").last ?? ""), old: change.old, new: change.new,
          isGone: change.isGone, isRequested: isRequested))
    }
    audited = database.version
  }
}

extension Timestamp {
  /// As a reply's head says it (RFC 9110, section 5.6.7). The day of the week is not looked at by anybody.
  fileprivate var httpDate: String {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let text = Array(rfc3339)
    let month = Int(String(text[5..<7])) ?? 1
    return "Thu, \(String(text[8..<10])) \(months[month - 1]) \(String(text[0..<4])) \(String(text[11..<19])) GMT"
  }
}

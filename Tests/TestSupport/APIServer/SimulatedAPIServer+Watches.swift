import JSON
internal import KubernetesAPI
internal import StorageModel
internal import Synchronization

// Watches: from a version on, in order, within a selection, for as long as nothing ends them.
extension SimulatedAPIServer {
  struct Watch {
    var resource: String
    var namespace: String
    var selector: Selector
    var apiVersion: String
    var kind: String
    /// The last version that was looked at.
    var version: Int
    var wantsBookmarks: Bool
    /// Lines that are to be sent before anything else.
    var first: [JSONValue] = []
    var isBookmarkDue = false
    var end: End?
    /// Who waits for something to read.
    var sleeper: CheckedContinuation<Void, Never>?

    enum End { case orderly, broken }
  }

  /// Begins a watch, and returns its number.
  func watch(_ address: Address, _ state: inout State) throws(StatusError) -> Int {
    let asked = address.query["resourceVersion"] ?? ""
    var watch = Watch(
      resource: Self.name(address.served.resource), namespace: address.namespace, selector: try Self.selector(address),
      apiVersion: address.served.resource.apiVersion, kind: address.served.resource.kind,
      version: state.database.version, wantsBookmarks: address.query["allowWatchBookmarks"] == "true")
    if asked.isEmpty || asked == "0" {
      watch.first = state.database.objects(of: watch.resource, in: watch.namespace, watch.selector)
        .map { ["type": "ADDED", "object": $0] }
    } else {
      guard let version = Int(asked) else {
        throw StatusError(400, "BadRequest", "Invalid value: \"\(asked)\": strconv.ParseUint: parsing")
      }
      watch.version = version
      if version < state.database.compacted {
        let error = StatusError(410, "Expired", "too old resource version: \(version) (\(state.database.compacted))")
        watch.first = [["type": "ERROR", "object": error.body]]
        watch.end = .orderly
      }
    }
    state.count += 1
    let id = state.count
    state.watches[id] = watch
    return id
  }

  /// What a watch gets next.
  enum Piece {
    case bytes([UInt8])
    case end
    case broken
    case nothing
  }

  func read(_ id: Int) -> Piece { change { state in state.read(id) } }

  func close(_ id: Int) { change { $0.watches[id] = nil } }

  /// Returns when there may be something to read, or when the task is cancelled.
  func wait(_ id: Int) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // Cancelled before, or after: the handler finds the sleeper then.
        change { state in state.watches[id]?.sleeper = continuation }
        if Task.isCancelled { wake(id) }
      }
    } onCancel: {
      wake(id)
    }
  }

  private func wake(_ id: Int) {
    let sleeper = change { state in
      defer { state.watches[id]?.sleeper = nil }
      return state.watches[id]?.sleeper
    }
    sleeper?.resume()
  }

  final class WatchBody: HTTPBody {
    private let server: SimulatedAPIServer
    private let id: Int

    init(_ server: SimulatedAPIServer, _ id: Int) {
      self.server = server
      self.id = id
    }

    deinit { server.close(id) }

    func next() async throws(TransportError) -> [UInt8]? {
      while !Task.isCancelled {
        switch server.read(id) {
        case .bytes(let bytes): return bytes
        case .end: return nil
        case .broken: throw TransportError(.broken, "the connection broke")
        case .nothing: await server.wait(id)
        }
      }
      throw TransportError(.cancelled, "cancelled")
    }
  }
}

extension SimulatedAPIServer.State {
  /// Those who wait and have something to read now.
  mutating func takeSleepers() -> [CheckedContinuation<Void, Never>] {
    var woken: [CheckedContinuation<Void, Never>] = []
    for (id, watch) in watches {
      guard let sleeper = watch.sleeper else { continue }
      skipOthers(id)
      guard let now = watches[id], isReadable(now) else { continue }
      woken.append(sleeper)
      watches[id]?.sleeper = nil
    }
    return woken
  }

  /// Passes over changes that are not the watch's, so that nobody looks at them again with each change.
  private mutating func skipOthers(_ id: Int) {
    guard let watch = watches[id], watch.end == nil else { return }
    let passed = changes(after: watch.version, for: watch).prefix { line(of: $0, for: watch) == nil }
    if let last = passed.last { watches[id]?.version = last.version }
  }

  func isReadable(_ watch: SimulatedAPIServer.Watch) -> Bool {
    watch.end != nil || watch.isBookmarkDue || !watch.first.isEmpty
      || changes(after: watch.version, for: watch).first.map { line(of: $0, for: watch) != nil } ?? false
  }

  /// The changes behind a version that watches may see: each change has the next version.
  private func changes(
    after version: Int, for watch: SimulatedAPIServer.Watch
  ) -> ArraySlice<ObjectDatabase.Change> {
    let limits = [shown, shownOf[watch.resource], database.version].compactMap(\.self)
    let (first, last) = (database.compacted, limits.min() ?? database.version)
    guard version < last, first < last else { return [] }
    return database.changes[max(version - first, 0)..<(last - first)]
  }

  mutating func read(_ id: Int) -> SimulatedAPIServer.Piece {
    guard var watch = watches[id] else { return .end }
    var lines = watch.first
    watch.first = []
    var isBroken = watch.end == .broken
    // One that ends does so behind what was sent; what came later is for the next one.
    for change in watch.end == nil ? changes(after: watch.version, for: watch) : [] {
      watch.version = change.version
      guard let line = line(of: change, for: watch) else { continue }
      lines.append(line)
      isBroken = faults.breaksWatch()
      if isBroken { break }
    }
    if watch.isBookmarkDue, !isBroken, watch.end == nil {
      lines.append(bookmark(watch))
    }
    watch.isBookmarkDue = false
    if isBroken { watch.end = .broken }
    watches[id] = watch
    guard lines.isEmpty else { return .bytes(lines.flatMap { $0.encoded + [UInt8(ascii: "\n")] }) }
    return switch watch.end {
    case .orderly: .end
    case .broken: .broken
    case nil: .nothing
    }
  }

  /// An object that leaves the selection is told as deleted, one that enters it as added.
  private func line(of change: ObjectDatabase.Change, for watch: SimulatedAPIServer.Watch) -> JSONValue? {
    guard change.key.resource == watch.resource, watch.namespace.isEmpty || watch.namespace == change.key.namespace
    else { return nil }
    let wasSelected = change.old.map(watch.selector.matches) ?? false
    let isSelected = !change.isGone && watch.selector.matches(change.new)
    return switch (wasSelected, isSelected) {
    case (false, false): nil
    case (false, true): ["type": "ADDED", "object": change.new]
    case (true, true): ["type": "MODIFIED", "object": change.new]
    case (true, false): ["type": "DELETED", "object": change.new]
    }
  }

  private func bookmark(_ watch: SimulatedAPIServer.Watch) -> JSONValue {
    [
      "type": "BOOKMARK",
      "object": [
        "kind": .string(watch.kind), "apiVersion": .string(watch.apiVersion),
        "metadata": ["resourceVersion": .string("\(watch.version)"), "creationTimestamp": .null],
      ],
    ]
  }
}

import Controllers
import KubernetesAPI
import StorageModel
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("Caches", .timeLimit(.minutes(1)))
struct CacheTests {
  /// Lines in the order in which they were said.
  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func say(_ line: String) { lines.withLock { $0.append(line) } }
  }

  /// A PV with an owner, as a list or a watch has it.
  private static func volume(_ name: String, owner: String, version: Int) -> String {
    #"{"metadata":{"name":"\#(name)","uid":"\#(name)","resourceVersion":"\#(version)","labels":{"owner":"\#(owner)"}}}"#
  }

  private static func caches(_ transport: ScriptedTransport) -> Caches {
    Caches(APIClient(transport, time: ManualTime(isHasty: true))) { _, _, _ in }
  }

  /// Answers the first list of a kind and its first watch; what comes after that never does.
  private static func transport(_ answers: [String: [ScriptedTransport.Step]]) -> ScriptedTransport {
    let left = Mutex(answers)
    return ScriptedTransport { request, _ in
      left.withLock { left in
        for kind in left.keys where request.path.hasPrefix("/api/v1/\(kind)?") {
          guard left[kind]?.isEmpty == false, let step = left[kind]?.removeFirst() else { break }
          return step
        }
        return .silence
      }
    }
  }

  private static let followed: [ScriptedTransport.Step] = [
    .reply(
      200,
      list(
        [
          volume("a", owner: "x", version: 1), volume("b", owner: "x", version: 2), volume("c", owner: "y", version: 3),
        ], version: 5)),
    .stream(
      [
        event("MODIFIED", volume("a", owner: "y", version: 6)), event("DELETED", volume("b", owner: "x", version: 7)),
        event("ADDED", volume("d", owner: "z", version: 8)),
      ], .open),
  ]

  @Test("two subscribers of a kind get the same changes in the same order, from one list and one watch")
  func subscribers() async {
    let transport = Self.transport(["persistentvolumes": Self.followed])
    let caches = Self.caches(transport)
    let cache = caches.cache("volumes", PersistentVolume.self)
    let (one, two) = (Lines(), Lines())
    for lines in [one, two] {
      cache.subscribe { change in
        switch change {
        case .updated(let key, _, let former): lines.say("\(key)\(former == nil ? "" : " again")")
        case .removed(let key, _): lines.say("\(key) gone")
        case .listing: lines.say("listing")
        case .synced: lines.say("synced")
        }
      }
    }
    let task = Task { await caches.run() }
    #expect(await eventually { two.all.last == "d" })
    #expect(one.all == ["listing", "a", "b", "c", "synced", "a again", "b gone", "d"] && two.all == one.all)
    #expect(cache.isSynced && cache.count == 3 && cache["b"] == nil && cache["d"] != nil)
    #expect(transport.requests.count == 2)
    task.cancel()
    await task.value
  }

  @Test("an index has changed before a subscriber is called, and is empty when no object is left")
  func indices() async {
    let caches = Self.caches(Self.transport(["persistentvolumes": Self.followed]))
    let cache = caches.cache("volumes", PersistentVolume.self)
    let owners = cache.index { volume in [volume.metadata.labels["owner"] ?? "", "all"] }
    let lines = Lines()
    cache.subscribe { change in
      guard let (key, _) = change.object else { return }
      let found = ["x", "y", "z"].map { owner in
        cache.values(owners, owner).map(\.metadata.name).sorted().joined(separator: ",")
      }
      lines.say("\(key): \(found.joined(separator: " | "))")
    }
    let task = Task { await caches.run() }
    #expect(await eventually { lines.all.count == 6 })
    // A list is delivered page by page, when all of a page is there.
    #expect(lines.all.prefix(3).allSatisfy { $0.hasSuffix(": a,b | c | ") })
    #expect(lines.all.suffix(3) == ["a: b | a,c | ", "b:  | a,c | ", "d:  | a,c | d"])
    #expect(Set(owners["all"].map(\.name)) == ["a", "c", "d"] && owners.count == 3 && owners["x"].isEmpty)
    task.cancel()
    await task.value
  }

  @Test("keys are taken from an object's old and new value")
  func mapping() async {
    let caches = Self.caches(Self.transport(["persistentvolumes": Self.followed]))
    let cache = caches.cache("volumes", PersistentVolume.self)
    let keys = ReconcileLoop<String>(parallelism: 1)
    let lines = Lines()
    cache.enqueue(to: keys) { _, volume in [volume.metadata.labels["owner"] ?? ""] }
    cache.whenSynced { keys.open() }
    let tasks = [
      Task { await caches.run() },
      Task {
        await keys.run { key in
          lines.say(key)
          return .done
        }
      },
    ]
    // x and y by the list; both again, since a has moved; x again, since b has gone; z.
    #expect(await eventually { lines.all.last == "z" || Set(lines.all) == ["x", "y", "z"] })
    #expect(lines.all.filter { $0 == "z" }.count == 1)
    for task in tasks {
      task.cancel()
      await task.value
    }
  }

  /// Says when it may begin and what it looks at.
  private struct Watcher: Controller {
    let name: String
    let lines: Lines
    let keys = ReconcileLoop<String>(parallelism: 1)

    func becomeSynced() async {
      lines.say("\(name) synced")
      keys.open()
    }

    func reconcile(_ key: String) async -> Ending {
      lines.say("\(name) looks at \(key)")
      return .done
    }
  }

  /// Holds the cache that it is told by.
  private final class Holder: Controller {
    let keys = ReconcileLoop<String>(parallelism: 1)
    let cache: ObjectCache<PersistentVolume>

    init(_ term: Term) {
      cache = term.caches.cache("volumes", PersistentVolume.self)
      cache.subscribe { change in
        if let (key, _) = change.object { self.keys.add(key.name) }
      }
      term.add(self, reading: [cache])
    }

    func reconcile(_ key: String) async -> Ending { .done }
  }

  @Test("a term leaves no state behind when it ends, even if nothing was ever listed")
  func release() async {
    weak var holder: Holder?
    do {
      let term = Term(Self.caches(ScriptedTransport { _, _ in .silence }))
      let made = Holder(term)
      holder = made
      let task = Task { await term.run() }
      task.cancel()
      await task.value
    }
    #expect(holder == nil)
  }

  /// Says when it may begin, by a method that is not asynchronous.
  private actor Sleeper: Controller {
    nonisolated let keys = ReconcileLoop<String>(parallelism: 1)
    private let lines: Lines

    init(_ lines: Lines) { self.lines = lines }

    func becomeSynced() { lines.say("synced") }
    func reconcile(_ key: String) -> Ending { .done }
  }

  @Test("an actor's own becomeSynced is called, whoever calls it")
  func ownBeginning() async {
    let lines = Lines()
    let sleeper = Sleeper(lines)
    await sleeper.becomeSynced()
    let term = Term(Self.caches(ScriptedTransport { _, _ in .silence }))
    term.add(sleeper, reading: [])
    let task = Task { await term.run() }
    #expect(await eventually { lines.all == ["synced", "synced"] })
    #expect(!sleeper.keys.isOpen)
    task.cancel()
    await task.value
  }

  @Test("a controller begins exactly when all its caches have synced; one without caches begins at once")
  func gate() async {
    let lines = Lines()
    let answered = Mutex(false)
    let transport = ScriptedTransport { request, _ in
      guard !request.path.contains("watch=1") else { return .silence }
      if request.path.hasPrefix("/api/v1/nodes?") {
        while !answered.withLock({ $0 }), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
      }
      return .reply(200, list([Self.volume("a", owner: "x", version: 1)], version: 5))
    }
    let term = Term(Self.caches(transport))
    let volumes = term.caches.cache("volumes", PersistentVolume.self)
    let nodes = term.caches.cache("nodes", Node.self)
    let (both, one, none) = (
      Watcher(name: "both", lines: lines), Watcher(name: "one", lines: lines), Watcher(name: "none", lines: lines)
    )
    none.keys.add("its own")
    for watcher in [both, one] { volumes.enqueue(to: watcher.keys) { key, _ in [key.name] } }
    term.add(both, reading: [volumes, nodes])
    term.add(one, reading: [volumes])
    term.add(none, reading: [])
    let task = Task { await term.run() }
    #expect(await eventually { lines.all.count == 4 })
    #expect(Set(lines.all) == ["none synced", "none looks at its own", "one synced", "one looks at a"])
    answered.withLock { $0 = true }
    #expect(await eventually { lines.all.count == 6 })
    #expect(lines.all.suffix(2) == ["both synced", "both looks at a"])
    task.cancel()
    await task.value
  }
}

import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import Provisioning
@testable import StorageLedger

/// Users, nodes, an administrator and the network act by a seed. After each step, the cluster's true state is checked.
@Suite("Generated views of a cluster, and the provisioner")
struct GeneratedViewsTests {
  private static let hosts = ["a", "b", "c"]
  private static let gibibytes: UInt64 = 8

  @Test(
    "with late, partial and repeated views, PVs changed or created again, renamed nodes, jumping clocks and new leaders, no node gives more than it has, no claim has two PVs, and no PV in use is deleted",
    arguments: 0..<16)
  func oneLeader(seed: UInt64) async throws {
    var world = await World(seed: seed)
    for step in 0..<300 {
      await world.step()
      world.check("seed \(seed), step \(step)", booked: true)
    }
    let leaks = await world.settle()
    world.check("seed \(seed), at the end", booked: true)
    #expect(leaks.isEmpty, "seed \(seed): booked and not there, or there and not booked: \(leaks)")
    let counts = world.cluster.look { ($0.creations.count, $0.volumes.count) }
    #expect(counts.0 > 10, "seed \(seed): a test in which hardly anything is made shows nothing: \(counts)")
    await world.view.end()
  }

  @Test(
    "with two leaders for a moment, one with an old view, no claim has two PVs, no PV in use is deleted, and the leader that stays books nothing on a full node",
    arguments: 0..<8)
  func twoLeaders(seed: UInt64) async throws {
    var world = await World(seed: seed)
    for step in 0..<120 {
      // A lease does not stop a former leader that was frozen and wakes up.
      let former = step % 40 == 20 ? await world.anotherLeads() : nil
      for _ in 0..<4 { await world.step() }
      await former?.end()
      world.check("seed \(seed), step \(step)", booked: false)
    }
    _ = await world.settle()
    let before = world.taken
    world.cluster.removeAllClaims { _, claim in claim.phase != "Bound" }
    for host in Self.hosts { world.claim(on: host, gibibytes: 1) }
    _ = await world.settle()
    for (host, bytes) in world.taken where bytes > .gibibytes(Self.gibibytes) {
      #expect(bytes <= before[host] ?? .zero, "seed \(seed): \(host) was full, and was promised more")
    }
    await world.view.end()
  }

  private struct World {
    let cluster: ClaimWorld
    let time = JumpingTime()
    var random: Dice
    var view: DisturbedView
    var claims = 0
    private var areDaemonsThere = false
    private var isSlow = false
    let storages: [String: NodeStorage]

    init(seed: UInt64) async {
      random = Dice(seed: seed)
      cluster = ClaimWorld(time: time)
      let names = hosts + hosts.map { "renamed-\($0)" }
      storages = Dictionary(uniqueKeysWithValues: names.map { ($0, storage($0, gibibytes: gibibytes)) })
      for host in hosts { cluster.addNode(host, hostname: "host-\(host)") }
      view = await DisturbedView(of: cluster, time: time, nodes: storages)
    }

    /// The space that PVs take on each host.
    var taken: [String: ByteCount] { bytes { _ in true } }

    private func bytes(of isMeant: (PersistentVolume) -> Bool) -> [String: ByteCount] {
      var result: [String: ByteCount] = [:]
      for volume in cluster.look({ Array($0.volumes.values) }) where isMeant(volume) {
        guard let host = volume.hostname else { continue }
        result[host] = (result[host] ?? .zero) + volume.size
      }
      return result
    }

    mutating func step() async {
      switch random.next() % 32 {
      case 0...6: claim(on: random.pick(hosts), gibibytes: Int64(1 + random.next() % 3))
      case 7...9: if let claim = someClaim() { cluster.removeClaim(claim) }
      case 10: recreateClaim()
      case 11...18: await view.watch(Int(random.next() % 6))
      case 19: await view.listSome(Int(random.next() % 8))
      case 20, 21: await view.listAll()
      case 22: alterVolume()
      case 23: recreateVolume()
      case 24: renameNode()
      case 25: await loseNode()
      case 26:
        areDaemonsThere.toggle()
        cluster.removesAtOnce(areDaemonsThere)
      case 27, 28: disturbWrites()
      case 29: time.jump(by: Int64(random.next() % 200_000) - 100_000)
      case 30: await changeLeader()
      default: try? await Task.sleep(for: .milliseconds(1))
      }
      await Task.yield()
    }

    /// Shows everything until the ledger equals the PVs and no PV is in doubt. Returns the differences if that does not
    /// happen. Claims that were refused may be retried later; that is not shown.
    mutating func settle() async -> [String] {
      cluster.disturbCreations([])
      cluster.server.carryOutLate()
      areDaemonsThere = true
      cluster.removesAtOnce()
      for _ in 0..<1000 {
        await view.listAll()
        if await view.allocator.doubts.isEmpty, await leaks().isEmpty { return [] }
        try? await Task.sleep(for: .milliseconds(10))
      }
      let doubts = await view.allocator.doubts
      return await leaks() + doubts.map { "\($0.key) in doubt: \($0.value)" }
    }

    /// The nodes on which the ledger differs from the PVs.
    private func leaks() async -> [String] {
      let ledger = await view.allocator.ledger
      let taken = taken
      return hosts.map { "host-\($0)" }.flatMap { host in
        let there = Set(cluster.look { $0.volumes.filter { $0.value.hostname == host }.keys })
        let used = taken[host] ?? .zero
        let total = ByteCount.gibibytes(GeneratedViewsTests.gibibytes)
        let isRight = ledger.freeSpace(on: host, at: .init()) == (used > total ? .zero : total - used)
        return there.symmetricDifference(ledger.volumes(on: host)) + (isRight ? [] : ["space on \(host)"])
      }
    }

    func check(_ place: String, booked: Bool) {
      let (violations, doubled) = cluster.look { state in
        let owners = state.volumes.values.filter { !$0.metadata.isBeingDeleted }.compactMap { $0.claim?.uid }
        return (state.violations, owners.count - Set(owners).count)
      }
      #expect(violations == [], "\(place)")
      #expect(doubled == 0, "\(place): claims with two PVs")
      guard booked else { return }
      let byHand = bytes { $0.metadata.uid.hasPrefix(ClaimWorld.recreatedPrefix) }
      for (host, bytes) in taken {
        let allowed = ByteCount.gibibytes(GeneratedViewsTests.gibibytes) + (byHand[host] ?? .zero)
        #expect(bytes <= allowed, "\(place): \(host)")
      }
    }

    // MARK: users

    mutating func claim(on host: String, gibibytes: Int64) {
      claims += 1
      cluster.add(Samples.claim("c\(claims)", gibibytes: gibibytes, node: nodeName(of: host)))
    }

    private func nodeName(of host: String) -> String {
      cluster.look { $0.nodes.values.first { $0.metadata.labels[ClusterNames.hostnameLabel] == "host-\(host)" } }?
        .metadata.name ?? host
    }

    private mutating func someClaim() -> ObjectKey? {
      let keys = cluster.look { $0.claims.keys.sorted { $0.name < $1.name } }
      return keys.isEmpty ? nil : random.pick(keys)
    }

    /// Creates a claim of the same name, as another user.
    private mutating func recreateClaim() {
      guard let key = someClaim() else { return }
      cluster.removeClaim(key)
      claims += 1
      var claim = Samples.claim(key.name, node: nodeName(of: random.pick(hosts)))
      claim.metadata.uid += "-\(claims)"
      cluster.add(claim)
    }

    // MARK: an administrator's hand

    private mutating func someVolume() -> String? {
      let names = cluster.look { $0.volumes.keys.sorted() }
      return names.isEmpty ? nil : random.pick(names)
    }

    private mutating func alterVolume() {
      guard let name = someVolume() else { return }
      let change: @Sendable (inout PersistentVolume) -> Void = random.pick([
        { $0.metadata.labels = [:] }, { $0.metadata.labels[ClusterNames.nodeLabel] = "b" },
        { $0.reclaimPolicy = "Retain" }, { $0.metadata.finalizers.append("example.com/backup") },
        { $0.metadata.finalizers = ["example.com/backup"] },
        { $0.metadata.annotations[PersistentVolume.provisionedByAnnotation] = nil },
      ])
      cluster.edit(volume: name, change)
    }

    /// Restores a PV from a backup: the same name and contents, another UID. No reservation covers the time between the
    /// two PVs, so a claim may get the space meanwhile.
    private mutating func recreateVolume() {
      guard let name = someVolume() else { return }
      cluster.recreate(volume: name)
    }

    private mutating func renameNode() {
      let host = random.pick(hosts)
      let old = nodeName(of: host)
      let new = old == host ? "renamed-\(host)" : host
      cluster.removeNode(old)
      cluster.addNode(new, hostname: "host-\(host)")
    }

    /// A node goes, for longer than the grace time or for less.
    private mutating func loseNode() async {
      let host = random.pick(hosts)
      let name = nodeName(of: host)
      cluster.removeNode(name)
      await view.watch(1_000_000)
      try? await Task.sleep(for: .milliseconds(random.next() % 2 == 0 ? 1 : 80))
      cluster.addNode(name, hostname: "host-\(host)")
    }

    // MARK: the network, and leaders

    private mutating func disturbWrites() {
      let fates: [Faults.Fate] = (0..<(1 + random.next() % 3)).map { _ in
        random.pick([.rejected, .lostBefore, .lostAfter, .lateBehindMiss])
      }
      cluster.addDisturbedCreations(fates)
      isSlow.toggle()
      cluster.isSlow(isSlow)
    }

    private mutating func changeLeader() async {
      await view.end()
      // A leader that ends in order has got all its answers.
      cluster.server.carryOutLate()
      _ = await anotherLeads()
    }

    mutating func anotherLeads() async -> DisturbedView {
      let former = view
      view = await DisturbedView(of: cluster, time: time, nodes: storages)
      return former
    }
  }
}

/// A clock that runs a thousand times as fast, with a time of day that the test sets.
private final class JumpingTime: Timekeeper {
  private let fast = FastTime()
  private let offset = Mutex<Int64>(0)

  var now: Duration { fast.now }
  var wallClock: Timestamp {
    let now = fast.wallClock
    return Timestamp(seconds: now.seconds + offset.withLock { $0 }, nanoseconds: now.nanoseconds)
  }

  func jump(by seconds: Int64) { offset.withLock { $0 += seconds } }
  func random() -> Double { fast.random() }
  func sleep(until time: Duration) async throws(CancellationError) { try await fast.sleep(until: time) }
}

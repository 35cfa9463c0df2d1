import JSON
import KeptVolumes
import KubernetesAPI
import StorageModel
import TestSupport
import Testing

/// The keeper at an API server that loses requests and answers. Users and Kubernetes write at the same time, and the
/// keeper is restarted.
@Suite("Namespaces' volumes by seed", .timeLimit(.minutes(5)))
struct NamespaceVolumeSeedTests {
  private static let names = (0..<4).map { "team-\($0)" }
  /// A user's claim with the name that its namespace asks for.
  private static let users = ObjectKey(namespace: "foreign", name: NamespaceWorld.claim)

  @Test(
    "with lost answers, broken watches and restarts, no request is lowered, no claim of others is changed, and in the end each namespace has what it asks for",
    arguments: 0..<8)
  func disturbed(seed: UInt64) async throws {
    var faults = Faults(seed: seed)
    (faults.lostBefore, faults.lostAfter, faults.late) = (12, 12, 12)
    (faults.unreachable, faults.tooMany, faults.failing, faults.brokenWatch) = (20, 20, 20, 20)
    let world = try await NamespaceWorld(faults: faults)
    try await world.addClaim(Self.users)
    try await world.addNamespace(Self.users.namespace, size: "5Gi")
    var story = Story(seed: seed)
    var running = world.begin()
    for step in 0..<200 {
      if story.dice.once(in: 25) {
        running.cancel()
        await running.value
        running = world.begin()
      }
      try await story.goOn(in: world)
      try await Task.sleep(for: .milliseconds(1))
      story.look(at: world, "seed \(seed), step \(step)")
    }
    world.server.endDisturbances()
    let isSettled = await eventually {
      world.actAsKubernetes()
      return Self.names.allSatisfy { Self.isSettled($0, world) }
    }
    story.look(at: world, "seed \(seed), the end")
    #expect(isSettled, "seed \(seed): \(Self.names.filter { !Self.isSettled($0, world) })")
    let users = try #require(world.claim(Self.users))
    #expect(users.request == Quantity(.gibibytes(1)) && users.metadata.labels.isEmpty, "seed \(seed)")
    #expect(world.server.requests.count { $0.hasPrefix("POST") && $0.hasSuffix("/persistentvolumeclaims") } > 4)
    running.cancel()
    await running.value
  }

  /// Each namespace that asks for a valid volume has a claim of at least that size.
  private static func isSettled(_ name: String, _ world: NamespaceWorld) -> Bool {
    guard let asked = world.namespace(name)?.metadata.labels[ClusterNames.namespaceVolumeLabel],
      let size = try? Quantity(parsing: asked)
    else { return true }
    guard let claim = world.claim(in: name), let request = claim.request else { return false }
    return request >= size && claim.phase == "Bound" && claim.capacity == request
  }

  /// The events of one seed, and what the audit has seen so far.
  private struct Story {
    var dice: Dice
    private var requests: [String: Quantity] = [:]

    init(seed: UInt64) { dice = Dice(seed: seed) }

    mutating func goOn(in world: NamespaceWorld) async throws {
      let name = dice.pick(NamespaceVolumeSeedTests.names)
      switch dice.next() % 12 {
      case 0...2: try await addOrRaise(name, in: world)
      case 3: try await world.deleteNamespace(name)
      case 4: try await world.deleteClaim(ObjectKey(namespace: name, name: NamespaceWorld.claim))
      case 5: world.setLabel(of: name, to: dice.pick([nil, "much", "1Gi"]))
      case 6: world.server.endWatches(isBroken: dice.once(in: 2))
      case 7: if dice.once(in: 3) { world.server.compact() }
      case 8: world.server.holdWatches()
      case 9: world.server.showWatches()
      default: world.actAsKubernetes()
      }
    }

    private mutating func addOrRaise(_ name: String, in world: NamespaceWorld) async throws {
      let size = "\(1 + dice.next() % 5)Gi"
      guard world.namespace(name) == nil else { return world.setLabel(of: name, to: size) }
      try await world.addNamespace(name, size: size)
    }

    /// A claim never requests less than before. Another claim of its name may.
    mutating func look(at world: NamespaceWorld, _ moment: String) {
      for claim in world.server.objects(PersistentVolumeClaim.self) {
        guard let request = claim.request else { continue }
        #expect(request >= requests[claim.metadata.uid] ?? .zero, "\(moment): \(claim.metadata.key)")
        requests[claim.metadata.uid] = request
      }
    }
  }
}

import LinuxSystem
import Testing

/// The claims of pods on simulated nodes, since a real kubelet takes no more than 110 pods.
@Suite("Many claims at once", .serialized, .cluster)
struct ManyClaimsTests {
  private static let waiting = "volumeBindingMode: WaitForFirstConsumer"

  /// Runs the body with 100 claims on two nodes of which not all are bound yet, and sees that each gets one volume in the end.
  private static func withHundred(_ name: String, _ body: ([SimulatedNode]) throws -> Void) throws {
    let claims = ManyClaims(name: name, count: 100, size: "8Mi")
    try SimulatedNode.with(["\(name)-a", "\(name)-b"]) { nodes in
      try claims.with(waiting) {
        try claims.make(on: nodes)
        #expect(try eventually { try claims.volumes > 0 })
        try #require(try claims.bound < 100, "too late to strike")
        try body(nodes)
        try expectOneEach(claims, nodes)
        try claims.removePods()
      }
      #expect(try eventually { try nodes.map { try $0.volumes } == [[], []] }, "volumes are left on the nodes")
    }
  }

  private static func expectOneEach(_ claims: ManyClaims, _ nodes: [SimulatedNode]) throws {
    _ = try eventually(seconds: 480) { (try? claims.bound) == claims.count }
    let bound = try claims.bound
    #expect(bound == claims.count)
    let names = try claims.volumeNames
    #expect(names.count == claims.count)
    // A node prepares its volumes as soon as it sees their PVs.
    _ = try eventually { try nodes.reduce(0) { try $0 + $1.volumes.count } >= claims.count }
    let made = try nodes.flatMap { try $0.volumes }
    #expect(made.sorted() == names.sorted(), "each is on one node, and no other is there")
  }

  @Test("the provisioner that leads is killed amid 100 claims: no duplicate, none forgotten, a volume for each")
  func leaderKilled() throws {
    try Self.withHundred("killed") { _ in try Product.crashLeader() }
  }

  @Test("the same with claims that wait for no pod: no duplicate, none forgotten")
  func leaderKilledImmediate() throws {
    let claims = ManyClaims(name: "at-once", count: 100, size: "8Mi")
    try claims.with("volumeBindingMode: Immediate") {
      try claims.make()
      #expect(try eventually { try claims.bound > 0 })
      try Product.crashLeader()
      #expect(try eventually(seconds: 240) { try claims.bound == 100 })
      #expect(try claims.volumes == 100)
    }
  }

  @Test(
    "an API server that is away for a minute amid 100 claims and mounts loses none of them, and what is mounted goes on",
    .node)
  func serverAway() throws {
    try ClaimedVolume.with("writing") { writing in
      let loop = "while date >>/data/log && sync /data/log; do usleep 20000; done; touch /failed; sleep 100000"
      try writing.startPod(Pod(name: "writer", script: loop))
      let mounted = (0..<5).map { ClaimedVolume(name: "mounted-\($0)") }
      try Self.withHundred("away") { _ in
        for volume in mounted {
          try Cluster.apply(
            volume.manifest("elastic-local", "64Mi") + "\n---\n" + Pod(name: volume.name).manifest(claim: volume.name))
        }
        try Cluster.lab("stop-part", "apiserver")
        ThreadSleep.sleep(.seconds(60))
        try Cluster.lab("start-part", "apiserver")
        for volume in mounted {
          try Cluster.awaitReady(volume.name, seconds: 300)
          try Cluster.inside(volume.name, "echo mine >/data/file && sync")
        }
      }
      #expect(try Cluster.inside("writer", "ls /").contains("failed") == false)
      for volume in mounted { try volume.remove() }
    }
  }

  @Test(
    "claims that are deleted at any moment while they are provisioned, with their pods, leave neither PV nor volume",
    arguments: [0, 100, 200, 400, 1000])
  func deletedMeanwhile(milliseconds: Int) throws {
    let claims = ManyClaims(name: "brief", count: 10, size: "8Mi")
    try SimulatedNode.with(["brief"]) { nodes in
      try claims.with(Self.waiting) {
        try claims.make(on: nodes)
        ThreadSleep.sleep(.milliseconds(milliseconds))
        try claims.removePods()
      }
      #expect(try eventually { try nodes[0].volumes.isEmpty })
    }
  }
}
